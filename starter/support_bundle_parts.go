package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/version"
)

// learn tells the scrubber the secrets of the settings and the names that the database has.
func (c *bundleCommand) learn(ctx context.Context) {
	for _, v := range everyVariable() {
		value := os.Getenv(v.Name)
		c.scrub.AddURL(value)
		if strings.Contains(value, "://") || v.Name == "TEMPORAL_ADDRESS" {
			c.scrub.AddHost(value)
		}
		switch {
		case value == "":
		case v.Secret:
			c.scrub.AddSecret(value)
		case v.File == config.FileSecret:
			if text, err := readSome(value); err == nil {
				c.scrub.AddSecret(text)
			}
			c.scrub.AddName(strings.TrimSuffix(filepath.Base(value), filepath.Ext(value)))
		}
	}
	for _, v := range []string{"USER", "LOGNAME", "HOSTNAME"} {
		c.scrub.AddName(os.Getenv(v))
	}
	if host, err := os.Hostname(); err == nil {
		c.scrub.AddName(host)
	}
	if c.withNames {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	db, host, err := c.openLedger(ctx, c.console)
	if err != nil {
		return // without a database, none of its names can be in a part; those of a log are told by its format
	}
	defer func() { _ = db.Close() }()
	c.scrub.AddName(host)
	_ = db.Export(ctx, host, nil, nameSink{c.scrub.AddName}) // the names until an error are better than none
}

// readSome reads a secret's file, which is small.
func readSome(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	text := make([]byte, 64<<10)
	n, err := f.Read(text)
	return string(text[:n]), err
}

// nameSink collects the names in an export.
type nameSink struct{ add func(name string) }

func (s nameSink) Account(a access.Account) error {
	s.add(a.Name)
	return nil
}

func (s nameSink) Site(v access.Site) error {
	s.add(v.Name)
	s.add(v.AccountName)
	return nil
}

func (s nameSink) Role(r access.Role) error {
	s.add(r.Name)
	return nil
}

func (s nameSink) Principal(p access.Principal) error {
	s.add(p.Name)
	s.add(p.Email)
	s.add(p.Description)
	return nil
}

func (nameSink) Assignment(access.Assignment) error { return nil }

func (c *bundleCommand) versions(context.Context) ([]byte, error) {
	return json.MarshalIndent(map[string]any{
		"version": version.String(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
		"cpus": runtime.NumCPU(), "writtenAt": c.now().UTC().Format(time.RFC3339),
	}, "", "  ")
}

// setting is one variable of the environment in a bundle.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
	File  string `json:"file,omitempty"` // what is at the path, if the value is one
}

// plainValue is a value that names nobody: a number, a duration, a word of a fixed set.
var plainValue = regexp.MustCompile(
	`^(\d{1,9}|\d{1,6}(ms|s|m|h|d)|true|false|debug|info|warn|error|json|console|optional|required|default|` +
		`sentinelone)$`)

func (c *bundleCommand) settings(context.Context) ([]byte, error) {
	all := []setting{}
	for _, v := range everyVariable() {
		value, set := os.LookupEnv(v.Name)
		if !set {
			continue
		}
		s := setting{Name: v.Name, Value: "[set]"}
		switch {
		case strings.TrimSpace(value) == "":
			s.Value = "[blank]"
		case v.Secret:
			s.Value = "[secret]"
		case v.File != "":
			s.File = fileState(value)
			if c.withNames {
				s.Value = c.scrub.Secrets(value)
			}
		case c.withNames:
			s.Value = c.scrub.Secrets(value)
		case plainValue.MatchString(value):
			s.Value = value
		case strings.Contains(value, "://"):
			scheme, _, _ := strings.Cut(value, "://")
			s.Value = c.scrub.Text(scheme) + "://[removed]"
		}
		all = append(all, s)
	}
	out, err := json.MarshalIndent(all, "", "  ")
	return out, errors.Join(err, c.fault)
}

func fileState(path string) string {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "does not exist"
	case err != nil:
		return "cannot be read"
	}
	return info.Mode().String()
}

func (c *bundleCommand) checks(ctx context.Context) ([]byte, error) {
	text, err := c.printed(func(a *app) error { return (&checkCommand{app: a}).execute(ctx) })
	return c.scrubbed(text, err, "name", "collection", "detail", "version", "warnings", "console")
}

func (c *bundleCommand) lastSync(ctx context.Context) ([]byte, error) {
	db, host, err := c.openLedger(ctx, c.console)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	last, err := db.Latest(ctx, host, nil)
	if errors.Is(err, store.ErrNoSnapshot) {
		return []byte("no verified sync yet\n"), nil
	}
	if err != nil {
		return nil, err
	}
	return c.scrub.JSON(last, "id", "state", "reasons")
}

func (c *bundleCommand) pending(ctx context.Context) ([]byte, error) {
	text, err := c.printed(func(a *app) error {
		return a.requests(ctx, requestsOptions{open: true, console: c.console, limit: requestsShown})
	})
	return c.scrubbed(text, err, "id", "op", "kind", "level", "state", "outcome", "waiting", "message", "duration")
}

// scrubbed scrubs what a command printed, and keeps its error beside it.
func (c *bundleCommand) scrubbed(text []byte, err error, keep ...string) ([]byte, error) {
	if len(text) == 0 {
		return nil, err
	}
	out, failed := c.scrub.JSON(json.RawMessage(text), keep...)
	return out, errors.Join(err, failed)
}
