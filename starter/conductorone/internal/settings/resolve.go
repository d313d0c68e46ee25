package settings

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/conductorone/baton-sdk/pkg/field"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/timetext"
)

// longestWait is how long a task may wait: ConductorOne gives up after five minutes, and the answer must arrive
// before that.
const longestWait = 4*time.Minute + 30*time.Second

// fewestTasks leaves one task to what does not wait and one to a request that waits; mostTasks is the SDK's own limit.
const fewestTasks, mostTasks = 2, 100

// Config is what the connector runs with: settings that hold, with the worker's variables for what they leave out.
type Config struct {
	// Console is how to reach the console; its token is set with Standalone only.
	Console config.Console
	// Host is the console's key in the store and in workflow ids: its host, and port if it has one.
	Host string
	// Store is the worker's database.
	Store config.Store
	// TaskQueue is where requests and syncs start.
	TaskQueue string
	// MaxAge is how old the last proven snapshot may be when a sync begins.
	MaxAge time.Duration
	// SyncWait is how long to wait for a sync that the connector starts.
	SyncWait time.Duration
	// Wait is how long a task waits for its request.
	Wait time.Duration
	// Requester is the name by which requests are made.
	Requester string
	// SigningKey is the path of the key that signs requests; "" for none.
	SigningKey string
	// Signing says whether the worker requires signatures, if its variables are set here too.
	Signing config.Signing
	// TaskConcurrency is how many tasks the SDK runs at once.
	TaskConcurrency int

	StockCompatible, Standalone bool

	keysFile, temporalAddress, temporalNamespace string
}

// TemporalOptions are the options of the connection to Temporal: the settings', else those of the files and variables
// that the `temporal` CLI reads.
func (c Config) TemporalOptions(logger *slog.Logger) (client.Options, error) {
	opts, err := temporalclient.Options(logger, c.keysFile)
	if err != nil {
		return client.Options{}, err
	}
	opts.HostPort = cmp.Or(c.temporalAddress, opts.HostPort)
	opts.Namespace = cmp.Or(c.temporalNamespace, opts.Namespace)
	return opts, nil
}

// Resolve checks the settings and completes them from the worker's variables. It connects to nothing. The error joins
// all faults, one line each, and contains no secret.
func (s *Settings) Resolve() (Config, error) {
	worker, err := config.LoadUnchecked()
	faults := []error{err}
	c := Config{
		Console: worker.Console, Store: worker.Store,
		TaskQueue:       cmp.Or(s.TaskQueue, worker.Worker.TaskQueue),
		Requester:       s.Requester,
		SigningKey:      s.SigningKey,
		Signing:         worker.Signing,
		TaskConcurrency: s.TaskConcurrency,
		StockCompatible: s.StockCompatible, Standalone: s.Standalone,
		keysFile:        worker.Worker.KeysFile,
		temporalAddress: s.TemporalAddress, temporalNamespace: s.TemporalNamespace,
	}
	c.Console.ReadOnly = true // the connector itself never writes to a console
	for _, check := range []func(*Config) error{
		s.resolveConsole, s.resolveToken, s.resolveStore, s.resolveTemporal, s.resolveRequester, s.resolveTimes,
		s.checkTasks,
	} {
		faults = append(faults, check(&c))
	}
	return c, errors.Join(faults...)
}

func (s *Settings) resolveConsole(c *Config) error {
	name := "--" + consoleURL.FieldName
	if s.ConsoleURL == "" {
		name = "SENTINELONE_BASE_URL"
	}
	c.Console.BaseURL = cmp.Or(s.ConsoleURL, c.Console.BaseURL)
	if c.Console.BaseURL == "" {
		return fmt.Errorf("--%s is not set: set it, or SENTINELONE_BASE_URL, to the console's address, such as "+
			"https://acmeco.sentinelone.net", consoleURL.FieldName)
	}
	base, err := console.ParseBaseURL(c.Console.BaseURL)
	if err == nil {
		c.Host = base.Host
		err = console.CheckTransport(base, c.Console.AllowHTTP)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// resolveToken checks the token where the connector itself needs one.
func (s *Settings) resolveToken(c *Config) error {
	if !s.Standalone {
		c.Console.Token, c.Console.TokenFile = config.Secret{}, ""
		return nil
	}
	if given := strings.TrimSpace(string(s.Token)); given != "" {
		c.Console.TokenFile = ""
		if _, err := console.StaticToken(given).Token(); err != nil {
			return fmt.Errorf("--%s: %w", token.FieldName, err)
		}
		return c.Console.Token.UnmarshalText([]byte(given))
	}
	_, err := c.Console.TokenSource()
	if err != nil {
		return fmt.Errorf("--%s is not set, and --%s needs it: %w", token.FieldName, standalone.FieldName, err)
	}
	return nil
}

func (s *Settings) resolveStore(c *Config) error {
	if s.Standalone {
		return nil
	}
	name := "DATABASE_URL"
	if s.DatabaseURL != "" {
		name = "--" + databaseURL.FieldName
		c.Store.URL = string(s.DatabaseURL)
	}
	if err := store.CheckURL(c.Store.URL); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// resolveTemporal checks what the connection to Temporal needs: a task would fail late, or try for ever.
func (s *Settings) resolveTemporal(c *Config) error {
	if s.Standalone {
		return nil
	}
	if s.TemporalAddress != "" {
		if err := temporalclient.CheckAddress("--"+temporalAddress.FieldName, s.TemporalAddress); err != nil {
			return err
		}
	}
	_, err := c.TemporalOptions(slog.New(slog.DiscardHandler))
	return err
}

func (s *Settings) resolveRequester(c *Config) error {
	faults := []error{access.ValidPerson("--"+requester.FieldName, c.Requester)}
	if strings.TrimSpace(c.TaskQueue) == "" {
		faults = append(faults, fmt.Errorf("--%s is empty: leave it out for the default, or set it to a name",
			taskQueue.FieldName))
	}
	if err := checkKey(s.SigningKey); err != nil {
		faults = append(faults, fmt.Errorf("--%s: %w", signingKey.FieldName, err))
	}
	return errors.Join(faults...)
}

// checkKey fails if the path of a key does not lead to a file. What is in the file may change later.
func checkKey(path string) error {
	if path == "" {
		return nil
	}
	if err := signing.CheckKeyPath(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder: pass the path of the key's file", path)
	}
	return err
}

// checkTasks refuses numbers with which the connector would not work: the SDK takes 0, and then never runs a task.
func (s *Settings) checkTasks(*Config) error {
	if s.TaskConcurrency >= fewestTasks && s.TaskConcurrency <= mostTasks {
		return nil
	}
	return fmt.Errorf("--%s is %d: set it from %d to %d, since one task is kept free of requests that wait, or leave "+
		"it out for 10", field.TaskConcurrencyField.FieldName, s.TaskConcurrency, fewestTasks, mostTasks)
}

func (s *Settings) resolveTimes(c *Config) error {
	var faults []error
	for _, t := range []struct {
		flag, text string
		into       *time.Duration
	}{
		{maxAge.FieldName, s.MaxAge, &c.MaxAge},
		{syncWait.FieldName, s.SyncWait, &c.SyncWait},
		{wait.FieldName, s.Wait, &c.Wait},
	} {
		d, err := timetext.Duration(t.text)
		if err != nil {
			faults = append(faults, fmt.Errorf("--%s: %w", t.flag, err))
		}
		*t.into = d
	}
	if c.Wait > longestWait {
		faults = append(faults, fmt.Errorf("--%s is %s: set it to %s at most, since ConductorOne gives up after 5m",
			wait.FieldName, c.Wait, longestWait))
	}
	return errors.Join(faults...)
}
