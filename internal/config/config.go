package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v10"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/envvar"
	"sentinelone-provisioner/internal/netenv"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/otlpenv"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/store"
)

// Config holds all settings of this project. A zero field means that the variable
// is not set and has no default.
type Config struct {
	Console    Console
	Store      Store
	Worker     Worker
	Deployment Deployment
	Capacity   Capacity
	Signing    Signing
	Telemetry  Telemetry
	Notify     Notify
}

// Notify says where to send notifications.
type Notify struct {
	WebhookURL    Secret `env:"NOTIFY_WEBHOOK_URL"    help:"URL that receives every event as JSON, signed (Standard Webhooks)"`
	WebhookSecret Secret `env:"NOTIFY_WEBHOOK_SECRET" help:"key that signs the webhook's events: whsec_ and base64"`
	SlackURL      Secret `env:"NOTIFY_SLACK_URL"      help:"URL of an incoming webhook of Slack or of a compatible service"`
	SMTPURL       Secret `env:"NOTIFY_SMTP_URL"       help:"mail server: smtp://user:password@host:587"`
	From          string `env:"NOTIFY_FROM"           help:"sender address of e-mails"`
	To            string `env:"NOTIFY_TO"             help:"addresses that receive every e-mail, besides the people an event concerns; separated by commas"`
	MailDomains   string `env:"NOTIFY_MAIL_DOMAINS"   help:"domains to which e-mail goes though the name is only claimed, such as example.com; separated by commas; unset: only people whom the policy names or who have signed receive e-mail"`
}

// Domains are the domains of addresses that may receive e-mail on a claim.
func (n Notify) Domains() []string { return splitList(n.MailDomains) }

// Senders makes one sender per configured receiver; none if no receiver is
// configured. The error joins all faults and contains no secret.
func (n Notify) Senders() ([]notify.Sender, error) {
	return notify.New(notify.Config{
		WebhookURL: n.WebhookURL.value(), WebhookSecret: n.WebhookSecret.value(), SlackURL: n.SlackURL.value(),
		SMTPURL: n.SMTPURL.value(), From: n.From, To: splitList(n.To),
	})
}

// Validate returns all faults of the notification settings, joined.
func (n Notify) Validate() error {
	_, err := n.Senders()
	for _, d := range n.Domains() {
		if strings.ContainsAny(d, "@*/ ;:\\\"'<>") {
			err = errors.Join(err, fmt.Errorf("NOTIFY_MAIL_DOMAINS has %s, which is not a domain: "+
				"write names such as example.com, separated by commas", envvar.Shown(d)))
		}
	}
	return err
}

// Console says how to reach the SentinelOne console.
type Console struct {
	BaseURL   string `env:"SENTINELONE_BASE_URL" url:"yes"        help:"address of the console, such as https://acmeco.sentinelone.net"`
	Token     Secret `env:"SENTINELONE_API_TOKEN"         help:"API token of a user or service user"`
	TokenFile string `env:"SENTINELONE_API_TOKEN_FILE" file:"secret"    help:"file that holds the token, instead of SENTINELONE_API_TOKEN; read again when the console rejects the token"`
	// FileShared is for service-user rotate --own alone.
	FileShared bool `env:"SENTINELONE_API_TOKEN_FILE_SHARED" help:"true: all workers on a PostgreSQL database read this same token file, so that service-user rotate --own may replace the token in it" envDefault:"false"`
	AllowHTTP  bool `env:"SENTINELONE_ALLOW_HTTP"        help:"true: accept an http:// address on another machine, for a simulator; the token then travels in clear text" envDefault:"false"`
	ReadOnly   bool `env:"SENTINELONE_READ_ONLY"         help:"true: reject every request that would write to the console" envDefault:"false"`
}

// Store says where snapshots and the ledger are stored.
type Store struct {
	URL       string `env:"DATABASE_URL" url:"yes" envDefault:"sqlite://sentinelone.db" help:"sqlite://FILE for one machine, postgres://… for several"`
	LedgerKey string `env:"LEDGER_KEY_FILE" file:"secret" help:"OpenSSH private key (ed25519, 0600) that seals the ledger's entries and heads, the same file for all workers; unset: SQLite has one beside the database, made at the first start, and PostgreSQL has none: the ledger is then not sealed"`
}

// Worker holds the settings of the worker alone.
type Worker struct {
	TaskQueue  string        `env:"TASK_QUEUE"               envDefault:"sentinelone" help:"Temporal task queue for workflows and reads"`
	MaxLoss    int           `env:"SYNC_MAX_LOSS_PERCENT"    envDefault:"25"          help:"quarantine a sync that would drop more than this percentage of a collection or of the assignments"`
	MinLoss    int           `env:"SYNC_MAX_LOSS_ROWS"       envDefault:"10"          help:"losses of at most this many rows never count against SYNC_MAX_LOSS_PERCENT"`
	FullEvery  string        `env:"SYNC_FULL_EVERY"                                   help:"interval of full syncs, such as 24h: the worker sets up their schedule once, and keeps to what an operator changes of it (starter schedule); unset: it sets up none"`
	DeltaEvery string        `env:"SYNC_DELTA_EVERY" help:"interval of delta syncs, such as 5m, likewise; unset: it sets up none"`
	KeysFile   string        `env:"PAYLOAD_KEYS_FILE" file:"secret"                                 help:"file of AES-256 keys, one id:base64 per line, or id:lost; the first encrypts, all decrypt; a key that running requests may need must stay; unset: payloads are not encrypted"`
	TokenDir   string        `env:"SERVICE_USER_TOKEN_DIR" file:"folder"                            help:"folder for the tokens of new service users: CONSOLE/ID.token, mode 0600; share it between workers"`
	TokenCmd   string        `env:"SERVICE_USER_TOKEN_COMMAND" file:"program"                        help:"program that stores these tokens instead: it reads the token from standard input and SERVICE_USER_CONSOLE, _ID, _NAME, _TOKEN_EXPIRES_AT from its environment, and exits 0 within 30s once the token is stored"`
	TokenEnv   string        `env:"SERVICE_USER_TOKEN_COMMAND_ENV"                    help:"names of the worker's variables that this program gets, separated by commas, such as VAULT_ADDR; it gets no others but PATH, HOME, USER, LOGNAME, SHELL, TMPDIR, TZ, LANG, LANGUAGE and LC_*"`
	CheckEvery time.Duration `env:"CONNECTION_CHECK_EVERY" envDefault:"5m" help:"how often the connection to the console is checked, from 1m to 10m; 0: never, and the status is then unknown"`
	Policy     string        `env:"POLICY_FILE" file:"rules"                                       help:"file that says who must approve what (docs/policy.md); unset: the built-in policy (one approval within 72h by anyone but the requester)"`
}

// Telemetry says what the process logs and measures.
type Telemetry struct {
	Level   string `env:"LOG_LEVEL"  envDefault:"info" help:"debug, info, warn or error"`
	Format  string `env:"LOG_FORMAT"                   help:"console or json; unset: console on a terminal, json otherwise"`
	Metrics string `env:"METRICS_ADDRESS" help:"host:port on which to serve Prometheus metrics at /metrics, and /status, /healthz and /readyz, to every client that reaches it; unset: none of them"`
}

// Load reads all settings from the environment and validates them. The error joins
// all faults, one line each.
func Load() (Config, error) {
	var c Config
	faults, err := parse(&c)
	return c, besides(faults, errors.Join(err, c.Validate()))
}

// Validate returns all faults of all settings, joined.
func (c Config) Validate() error {
	return errors.Join(c.Console.Validate(), c.Store.Validate(), c.Worker.Validate(),
		c.Deployment.Validate(), c.Capacity.Validate(), c.Signing.Validate(), c.Telemetry.Validate(),
		c.Notify.Validate(), netenv.Validate(), otlpenv.Validate())
}

// LoadUnchecked reads all settings and fails only for values of the wrong type, and for those that
// nobody can have meant. A command that needs one part calls that part's Validate.
func LoadUnchecked() (Config, error) {
	var c Config
	faults, err := parse(&c)
	return c, besides(faults, err)
}

// parse reads the environment. The faults are of values that were not read at all.
func parse(c *Config) (faults []error, err error) {
	// Valid values remain if parsing fails, so that Validate does not add a second fault.
	c.Worker.MaxLoss = 1
	c.Capacity = Capacity{WorkflowSlots: 2, ActivitySlots: 2, Pollers: 2, MemoryMiB: 64}
	values, faults := environment()
	err = env.ParseWithOptions(c, env.Options{Environment: values})
	_, c.Console.Token.set = os.LookupEnv("SENTINELONE_API_TOKEN") // the library skips empty variables
	var all env.AggregateError
	if !errors.As(err, &all) {
		return faults, err
	}
	types := make([]error, len(all.Errors))
	for i, e := range all.Errors {
		types[i] = fault(e)
	}
	return faults, errors.Join(types...)
}

// fault names the variable; the library names the Go field.
func fault(err error) error {
	var p env.ParseError
	if !errors.As(err, &p) {
		return err
	}
	for _, v := range Variables() {
		if v.field == p.Name {
			return fmt.Errorf("%s: %s is not a %s", v.Name, envvar.Shown(v.current()), kindName(p.Type))
		}
	}
	return err
}

// Validate returns all faults of the console's settings, joined.
func (c Console) Validate() error {
	var faults []error
	if c.BaseURL == "" {
		faults = append(faults, errors.New("SENTINELONE_BASE_URL is not set: "+
			"set it to the console's address, such as https://acmeco.sentinelone.net"))
	} else if err := c.checkBaseURL(); err != nil {
		faults = append(faults, fmt.Errorf("SENTINELONE_BASE_URL: %w", err))
	}
	_, err := c.TokenSource()
	return errors.Join(append(faults, err)...)
}

func (c Console) checkBaseURL() error {
	base, err := console.ParseBaseURL(c.BaseURL)
	if err != nil {
		return err
	}
	return console.CheckTransport(base, c.AllowHTTP)
}

// TokenSource returns the source of the API token: the variable or the file. It
// fails if neither or both are set, and if the token is empty, unreadable or no token.
func (c Console) TokenSource() (console.TokenSource, error) {
	switch {
	case c.Token.value() != "" && c.TokenFile != "":
		return nil, errors.New("SENTINELONE_API_TOKEN and SENTINELONE_API_TOKEN_FILE are both set: unset one of them")
	case c.TokenFile != "":
		if looksLikeToken(c.TokenFile) {
			return nil, errors.New("SENTINELONE_API_TOKEN_FILE is not the path of a file: set it to the file " +
				"that holds the token, or, if it is the token itself, set SENTINELONE_API_TOKEN instead")
		}
		source := console.TokenFile(c.TokenFile)
		if _, err := source.Token(); err != nil {
			return nil, fmt.Errorf("SENTINELONE_API_TOKEN_FILE: %w", err)
		}
		return source, nil
	case !c.Token.set:
		return nil, errors.New("SENTINELONE_API_TOKEN is not set: " +
			"set it to the token, or SENTINELONE_API_TOKEN_FILE to the file that holds it")
	case strings.TrimSpace(c.Token.value()) == "":
		return nil, errors.New("SENTINELONE_API_TOKEN is empty: " +
			"set it to the token of a user or service user of the console")
	}
	source := console.StaticToken(c.Token.value())
	if _, err := source.Token(); err != nil {
		return nil, fmt.Errorf("SENTINELONE_API_TOKEN: %w", err)
	}
	return source, nil
}

// minToken is fewer bytes than every API token has, and more than most names of files.
const minToken = 40

// looksLikeToken says that a path is a token that was set in the wrong variable: an error about the
// file would print it.
func looksLikeToken(path string) bool {
	_, err := os.Stat(path)
	return err != nil && len(path) >= minToken && !strings.ContainsAny(path, "/ ")
}

// Client makes a console client from the settings. It sends nothing. userAgent is
// the User-Agent header of all requests.
func (c Console) Client(userAgent string) (*console.Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	source, err := c.TokenSource()
	if err != nil {
		return nil, err
	}
	return console.New(console.Config{
		BaseURL: c.BaseURL, AllowHTTP: c.AllowHTTP, Token: source, ReadOnly: c.ReadOnly, UserAgent: userAgent,
	})
}

// Validate checks the form of the database's address, and the ledger's key; it does not connect.
func (s Store) Validate() error {
	for _, scheme := range []string{"sqlite://", "postgres://", "postgresql://"} {
		if rest, ok := strings.CutPrefix(s.URL, scheme); ok && rest != "" {
			if err := store.CheckURL(s.URL); err != nil {
				return fmt.Errorf("DATABASE_URL: %w", err)
			}
			_, err := s.LedgerKeys()
			return err
		}
	}
	return errors.New("DATABASE_URL must be sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE")
}

// Validate returns all faults of the worker's settings, joined.
func (w Worker) Validate() error {
	var faults []error
	if strings.TrimSpace(w.TaskQueue) == "" {
		faults = append(faults, errors.New("TASK_QUEUE is empty: unset it for the default, or set it to a name"))
	}
	if w.MaxLoss < 1 || w.MaxLoss > 100 {
		faults = append(faults, fmt.Errorf(
			"SYNC_MAX_LOSS_PERCENT is %d: set it to a percentage from 1 to 100", w.MaxLoss))
	}
	if w.TokenDir != "" && w.TokenCmd != "" {
		faults = append(faults, errors.New(
			"SERVICE_USER_TOKEN_DIR and SERVICE_USER_TOKEN_COMMAND are both set: unset one of them"))
	}
	for _, name := range w.TokenVariables() {
		if ownVariable(name) {
			faults = append(faults, fmt.Errorf("SERVICE_USER_TOKEN_COMMAND_ENV names %s, which is the worker's own: "+
				"give the program a secret of its own", name))
		}
	}
	if w.CheckEvery != 0 && (w.CheckEvery < time.Minute || w.CheckEvery > 10*time.Minute) {
		faults = append(faults,
			fmt.Errorf("CONNECTION_CHECK_EVERY is %s: set it to a pause from 1m to 10m, or to 0", w.CheckEvery))
	}
	if w.MinLoss < 0 {
		faults = append(faults, fmt.Errorf("SYNC_MAX_LOSS_ROWS is %d: set it to 0 or more", w.MinLoss))
	}
	_, err := w.LoadPolicy()
	return errors.Join(append(faults, w.checkIntervals(), err)...)
}

// TokenVariables are the names of the variables that SERVICE_USER_TOKEN_COMMAND gets.
func (w Worker) TokenVariables() []string { return splitList(w.TokenEnv) }

// ownVariable says that a variable configures this project, Temporal's client, OpenTelemetry or the PostgreSQL driver.
func ownVariable(name string) bool {
	for _, prefix := range []string{"SENTINELONE_", "NOTIFY_", "TEMPORAL_", "OTEL_", "PG"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.ContainsFunc(Variables(), func(v Variable) bool { return v.Name == name })
}

// splitList splits a list at its commas, without blanks and empty items.
func splitList(list string) (out []string) {
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// LoadPolicy reads the approval policy from POLICY_FILE, or returns the built-in
// policy if that is not set. The error joins all faults of the file.
func (w Worker) LoadPolicy() (*policy.Policy, error) {
	if w.Policy == "" {
		return policy.BuiltIn(), nil
	}
	p, err := policy.Load(w.Policy)
	if err == nil {
		return p, nil
	}
	found := policy.Faults(err)
	if len(found) == 0 {
		return nil, fmt.Errorf("POLICY_FILE: %w", err)
	}
	faults := make([]error, len(found))
	for i, f := range found {
		faults[i] = fmt.Errorf("POLICY_FILE: %w", f)
	}
	return nil, errors.Join(faults...)
}
