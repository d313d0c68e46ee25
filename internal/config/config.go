package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/caarlos0/env/v10"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/policy"
)

// Config is every setting of ours. A zero field means that the variable was not
// set and has no default.
type Config struct {
	Console   Console
	Store     Store
	Worker    Worker
	Signing   Signing
	Telemetry Telemetry
	Notify    Notify
}

// Notify is where people are told of what happens.
type Notify struct {
	WebhookURL    Secret `env:"NOTIFY_WEBHOOK_URL"    help:"address that gets every event as JSON, signed (Standard Webhooks)"`
	WebhookSecret Secret `env:"NOTIFY_WEBHOOK_SECRET" help:"key of the webhook's signatures: whsec_ and base64"`
	SlackURL      Secret `env:"NOTIFY_SLACK_URL"      help:"incoming webhook of Slack, or of something that takes the same"`
	SMTPURL       Secret `env:"NOTIFY_SMTP_URL"       help:"mail server: smtp://user:password@host:587"`
	From          string `env:"NOTIFY_FROM"           help:"address that e-mails come from"`
	To            string `env:"NOTIFY_TO"             help:"who gets every e-mail, beside those who are asked; separated by commas"`
}

// Senders connects the settings to senders; without any nobody is told.
func (n Notify) Senders() ([]notify.Sender, error) {
	var to []string
	for a := range strings.SplitSeq(n.To, ",") {
		if a = strings.TrimSpace(a); a != "" {
			to = append(to, a)
		}
	}
	return notify.New(notify.Config{
		WebhookURL: n.WebhookURL.value(), WebhookSecret: n.WebhookSecret.value(), SlackURL: n.SlackURL.value(),
		SMTPURL: n.SMTPURL.value(), From: n.From, To: to,
	})
}

// Validate joins what is wrong with the settings of notifications.
func (n Notify) Validate() error {
	_, err := n.Senders()
	return err
}

// Console is how to reach the SentinelOne console.
type Console struct {
	BaseURL   string `env:"SENTINELONE_BASE_URL"          help:"the console, such as https://acmeco.sentinelone.net"`
	Token     Secret `env:"SENTINELONE_API_TOKEN"         help:"API token of a user or service user"`
	TokenFile string `env:"SENTINELONE_API_TOKEN_FILE"    help:"file holding the token instead; re-read when the console refuses the token"`
	ReadOnly  bool   `env:"SENTINELONE_READ_ONLY"         help:"true: no request that writes leaves the client" envDefault:"false"`
}

// Store is where snapshots are kept.
type Store struct {
	URL string `env:"DATABASE_URL" envDefault:"sqlite://sentinelone.db" help:"sqlite://FILE for one machine, postgres://… for several"`
}

// Worker is how work is taken and guarded.
type Worker struct {
	TaskQueue string `env:"TASK_QUEUE"               envDefault:"sentinelone" help:"Temporal task queue of workflows and reads"`
	MaxLoss   int    `env:"SYNC_MAX_LOSS_PERCENT"    envDefault:"25"          help:"a sync that would drop more than this share of a collection or of the assignments is quarantined"`
	MinLoss   int    `env:"SYNC_MAX_LOSS_ROWS"       envDefault:"10"          help:"losses of up to this many rows are never quarantined for their share"`
	KeysFile  string `env:"PAYLOAD_KEYS_FILE"                                 help:"file of id:base64 AES-256 keys, one a line, the first encrypts; unset: payloads are not encrypted"`
	TokenDir  string `env:"SERVICE_USER_TOKEN_DIR"                            help:"folder for the tokens of service users that are made: CONSOLE/ID.token, mode 0600; share it between workers"`
	TokenCmd  string `env:"SERVICE_USER_TOKEN_COMMAND"                        help:"program that keeps such a token instead: the token on standard input, SERVICE_USER_CONSOLE, _ID, _NAME, _TOKEN_EXPIRES_AT in its environment, exit code 0 once it is kept, 30s at most"`
	Policy    string `env:"POLICY_FILE"                                       help:"file that says who must approve what (docs/policy.md); unset: the built-in policy, one approval by anyone but the requester, within 72h"`
}

// Telemetry is how the process speaks of itself.
type Telemetry struct {
	Level   string `env:"LOG_LEVEL"  envDefault:"info" help:"debug, info, warn or error"`
	Format  string `env:"LOG_FORMAT"                   help:"console or json; default: console on a terminal, json elsewhere"`
	Metrics string `env:"METRICS_ADDRESS" help:"host:port to show Prometheus metrics at, under /metrics; unset: none are shown"`
}

// Load reads everything and checks it. Every fault is in the one error.
func Load() (Config, error) {
	var c Config
	err := parse(&c)
	return c, errors.Join(err, c.Console.Validate(), c.Store.Validate(), c.Worker.Validate(), c.Signing.Validate(),
		c.Telemetry.Validate(), c.Notify.Validate())
}

// LoadUnchecked reads everything and checks only its form. A command that needs
// one part calls that part's Validate.
func LoadUnchecked() (Config, error) {
	var c Config
	return c, parse(&c)
}

func parse(c *Config) error {
	c.Worker.MaxLoss = 1 // stays where the text is no number, so that it is not a second fault
	err := env.Parse(c)
	_, c.Console.Token.set = os.LookupEnv("SENTINELONE_API_TOKEN") // the library passes over empty variables
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	faults := make([]error, len(all.Errors))
	for i, e := range all.Errors {
		faults[i] = fault(e)
	}
	return errors.Join(faults...)
}

// fault names the variable, where the library names the Go field.
func fault(err error) error {
	var p env.ParseError
	if !errors.As(err, &p) {
		return err
	}
	for _, v := range Variables() {
		if v.field == p.Name {
			return fmt.Errorf("%s: %q is not a %s", v.Name, v.current(), kindName(p.Type.Kind()))
		}
	}
	return err
}

// Validate joins what is wrong with the console's settings.
func (c Console) Validate() error {
	var faults []error
	if c.BaseURL == "" {
		faults = append(faults, errors.New("SENTINELONE_BASE_URL is not set: "+
			"give the console's address, such as https://acmeco.sentinelone.net"))
	} else if _, err := console.ParseBaseURL(c.BaseURL); err != nil {
		faults = append(faults, fmt.Errorf("SENTINELONE_BASE_URL: %w", err))
	}
	_, err := c.TokenSource()
	return errors.Join(append(faults, err)...)
}

// TokenSource is where the client takes the token from.
func (c Console) TokenSource() (console.TokenSource, error) {
	switch {
	case c.Token.value() != "" && c.TokenFile != "":
		return nil, errors.New("SENTINELONE_API_TOKEN and SENTINELONE_API_TOKEN_FILE are both set: keep one of them")
	case c.TokenFile != "":
		source := console.TokenFile(c.TokenFile)
		if _, err := source.Token(); err != nil {
			return nil, fmt.Errorf("SENTINELONE_API_TOKEN_FILE: %w", err)
		}
		return source, nil
	case !c.Token.set:
		return nil, errors.New("SENTINELONE_API_TOKEN is not set: " +
			"give the token, or the file that holds it in SENTINELONE_API_TOKEN_FILE")
	case strings.TrimSpace(c.Token.value()) == "":
		return nil, errors.New("SENTINELONE_API_TOKEN is empty: " +
			"give the token of a user or service user of the console")
	}
	return console.StaticToken(c.Token.value()), nil
}

// Client connects the settings to a console client. It sends nothing.
func (c Console) Client(userAgent string) (*console.Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	source, err := c.TokenSource()
	if err != nil {
		return nil, err
	}
	return console.New(console.Config{
		BaseURL: c.BaseURL, Token: source, ReadOnly: c.ReadOnly, UserAgent: userAgent,
	})
}

// Validate checks the form of the address; opening it is the store's business.
func (s Store) Validate() error {
	for _, scheme := range []string{"sqlite://", "postgres://", "postgresql://"} {
		if rest, ok := strings.CutPrefix(s.URL, scheme); ok && rest != "" {
			return nil
		}
	}
	return errors.New("DATABASE_URL must be sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE")
}

// Validate joins what is wrong with the worker's settings.
func (w Worker) Validate() error {
	var faults []error
	if strings.TrimSpace(w.TaskQueue) == "" {
		faults = append(faults, errors.New("TASK_QUEUE is empty: unset it for the default, or give a name"))
	}
	if w.MaxLoss < 1 || w.MaxLoss > 100 {
		faults = append(faults, fmt.Errorf("SYNC_MAX_LOSS_PERCENT is %d: give a share from 1 to 100", w.MaxLoss))
	}
	if w.TokenDir != "" && w.TokenCmd != "" {
		faults = append(faults, errors.New(
			"SERVICE_USER_TOKEN_DIR and SERVICE_USER_TOKEN_COMMAND are both set: keep one of them"))
	}
	if w.MinLoss < 0 {
		faults = append(faults, fmt.Errorf("SYNC_MAX_LOSS_ROWS is %d: give 0 or more", w.MinLoss))
	}
	_, err := w.LoadPolicy()
	return errors.Join(append(faults, err)...)
}

// LoadPolicy reads the policy that requests are decided by: the built-in one where no
// file is named. Every fault of a file is an error of its own in the joined one.
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

// Validate joins what is wrong with the logging settings.
func (t Telemetry) Validate() error {
	var faults []error
	var level slog.Level
	if err := level.UnmarshalText([]byte(t.Level)); err != nil {
		faults = append(faults, fmt.Errorf("LOG_LEVEL is %q: choose debug, info, warn or error", t.Level))
	}
	if t.Format != "" && t.Format != "console" && t.Format != "json" {
		faults = append(faults, fmt.Errorf("LOG_FORMAT is %q: choose console or json", t.Format))
	}
	if t.Metrics != "" {
		if _, _, err := net.SplitHostPort(t.Metrics); err != nil {
			faults = append(faults, fmt.Errorf(
				"METRICS_ADDRESS is %q: give host and port, such as localhost:9464", t.Metrics))
		}
	}
	return errors.Join(faults...)
}
