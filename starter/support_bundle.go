package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/supportbundle"
)

type bundleCommand struct {
	*app

	path, log, console string
	withNames          bool

	stdin io.Reader
	scrub *supportbundle.Scrubber
	fault error // of the settings
}

func newSupportBundleCommand(a *app) *cobra.Command {
	c := &bundleCommand{app: a}
	cmd := &cobra.Command{
		Use:   "support-bundle",
		Short: "Write an archive that can be attached to a report",
		Long: `Write a zip archive that can be attached to a report of a problem:

  versions.json   of this command and its system
  config.json     which settings are set, without secrets
  check.json      what ` + "`starter check`" + ` finds
  sync.json       the last verified sync, with its counts
  pending.json    open requests and what they wait for
  log.txt         the last ` + fmt.Sprint(supportbundle.LogLines) + ` lines of the log that --log-file names

The worker logs to standard error and keeps no log: pass the file that your system writes, or
pipe it in with --log-file -. Without one, log.txt says so.

No secret is in the archive. Names of people, sites, accounts, roles and hosts, addresses, paths
and free text are removed too, unless --with-names is given; ids of the console and of requests
stay. Look at it before you send it. A part that cannot be read says why in its file.`,
		Example: `  starter support-bundle
  journalctl -u worker -o cat | starter support-bundle --log-file - --out bundle.zip`,
		Args: cobra.NoArgs,
		// Not through run: bad settings are what a report may be about.
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.cfg, c.fault = config.LoadUnchecked()
			c.stdin = cmd.InOrStdin()
			return marked(c.execute(cmd.Context()))
		},
	}
	cmd.Flags().StringVar(&c.path, "out", "", "file to write (default: support-bundle-TIME.zip)")
	cmd.Flags().StringVar(&c.log, "log-file", "", "the worker's log; - for standard input")
	cmd.Flags().BoolVar(&c.withNames, "with-names", false, "keep names, addresses, hosts, paths and free text")
	consoleFlag(cmd, &c.console)
	return cmd
}

// bundleAnswer is the output for programs.
type bundleAnswer struct {
	Path      string   `json:"path"`
	Files     []string `json:"files"`
	WithNames bool     `json:"withNames"`
}

// partTimeout bounds each part: what is broken must not keep the others out of the archive.
const partTimeout = 30 * time.Second

func (c *bundleCommand) execute(ctx context.Context) error {
	if c.path == "" {
		c.path = "support-bundle-" + c.now().UTC().Format("20060102-150405") + ".zip"
	}
	c.scrub = supportbundle.NewScrubber(c.withNames)
	answer := bundleAnswer{Path: c.path, WithNames: c.withNames, Files: []string{}}
	c.learn(ctx)
	err := writeFile(c.path, func(w io.Writer) error {
		archive := zip.NewWriter(w)
		for _, part := range []struct {
			name string
			make func(context.Context) ([]byte, error)
		}{
			{"versions.json", c.versions},
			{"config.json", c.settings},
			{"check.json", c.checks},
			{"sync.json", c.lastSync},
			{"pending.json", c.pending},
			{"log.txt", c.logTail},
		} {
			inner, cancel := context.WithTimeout(ctx, partTimeout)
			text, err := part.make(inner)
			cancel()
			if err != nil {
				text = append(text, []byte("\ncannot read this part: "+c.scrub.Text(err.Error())+"\n")...)
			}
			file, err := archive.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Deflate, Modified: c.now()})
			if err != nil {
				return fmt.Errorf("write %s: %w", c.path, err)
			}
			if _, err := io.WriteString(file, strings.TrimLeft(string(text), "\n")); err != nil {
				return fmt.Errorf("write %s: %w", c.path, err)
			}
			answer.Files = append(answer.Files, part.name)
		}
		return archive.Close()
	})
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if c.output.json {
		return c.emitJSON(answer)
	}
	writef(c.out, "%s\n", c.path)
	kept := "without names"
	if c.withNames {
		kept = "with names"
	}
	c.remark("wrote %s %s and without secrets: %s. Look at it before you send it",
		c.path, kept, strings.Join(answer.Files, ", "))
	return nil
}

func (c *bundleCommand) logTail(context.Context) ([]byte, error) {
	var in io.Reader
	switch c.log {
	case "":
		return []byte("no log was given: the worker logs to standard error; pass the file that your system writes " +
			"with --log-file, or pipe it in with --log-file -\n"), nil
	case "-":
		in = c.stdin
	default:
		f, err := os.Open(c.log)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	text, err := c.scrub.Tail(in)
	return []byte(text), err
}

// printed runs a command of ours for programs, and returns what it prints and how it fails.
func (c *bundleCommand) printed(do func(*app) error) ([]byte, error) {
	var out bytes.Buffer
	inner := *c.app
	inner.out, inner.err, inner.output = &out, io.Discard, format{json: true}
	err := do(&inner)
	if c.fault != nil {
		err = errors.Join(c.fault, err)
	}
	return out.Bytes(), err
}
