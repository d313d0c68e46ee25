package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/textfile"
	"sentinelone-provisioner/internal/timetext"
)

type signersAddCommand struct {
	*app

	by, key, validBefore, file string
	samePerson, dryRun         bool
}

func newSignersAddCommand(a *app) *cobra.Command {
	c := &signersAddCommand{app: a}
	cmd := &cobra.Command{
		Use:   "add --by NAME --key FILE.pub",
		Short: "Let a person sign with a key",
		Long: `Append a line to a file of allowed signers, so that a person may sign requests and decisions
with a key, and print the line. The file is replaced whole or not at all, keeps its mode, and
is made if it is missing. A file with faults is not extended.

A key that is there for another name is refused: one key is one person. If both names belong
to one person, pass --same-person; in one request the two then count once.

Without --file it is the file of ALLOWED_SIGNERS.`,
		Example: `  starter signers add --by carol@example.com --key carol.pub --valid-before 365d
  starter signers add --by carol@example.com --key carol.pub --dry-run`,
		Args: cobra.NoArgs,
		RunE: a.run(func(context.Context, []string) error { return c.execute() }),
	}
	f := cmd.Flags()
	f.StringVar(&c.by, "by", "", "the person's name, as requests and decisions carry it")
	f.StringVar(&c.key, "key", "", "file of the public key")
	f.StringVar(&c.validBefore, "valid-before", "", "when the key ends: "+aheadHelp+" (default: no end)")
	f.StringVar(&c.file, "file", "", "the file of allowed signers")
	f.BoolVar(&c.samePerson, "same-person", false, "accept a key that is there for another name of the same person")
	f.BoolVar(&c.dryRun, "dry-run", false, "print the line, and change nothing")
	return cmd
}

// signersAdded is the output for programs.
type signersAdded struct {
	File        string `json:"file"`
	Line        int    `json:"line"`
	Text        string `json:"text"`
	Fingerprint string `json:"fingerprint"`
	Written     bool   `json:"written"`
}

func (c *signersAddCommand) execute() error {
	if c.by == "" || c.key == "" {
		return usage("pass --by with the person's name and --key with the file of the public key")
	}
	path, err := c.signersFile(c.file)
	if err != nil {
		return err
	}
	add := signing.NewSigner{By: c.by, SamePerson: c.samePerson, Now: c.now()}
	end, err := c.aheadFlag("valid-before", c.validBefore, timetext.StartOfDay)
	if err != nil {
		return err
	}
	if end != nil {
		add.ValidBefore = *end
	}
	if add.Key, err = textfile.Read(c.key); err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	before, err := readIfThere(path)
	if err != nil {
		return err
	}
	var revoked []byte
	if c.cfg.Signing.Revoked != "" {
		if revoked, err = os.ReadFile(c.cfg.Signing.Revoked); err != nil {
			return fmt.Errorf("ALLOWED_SIGNERS_REVOKED: %w", err)
		}
	}
	added, err := signing.AddSigner(before, revoked, add)
	if err != nil {
		return c.explainAdd(err)
	}
	if !c.dryRun {
		if err := replaceFile(path, before, added.Text); err != nil {
			return err
		}
	}
	return c.reportAdded(path, added)
}

func (c *signersAddCommand) explainAdd(err error) error {
	if _, shared := errors.AsType[*signing.KeyServesOthersError](err); shared {
		return fmt.Errorf("%w; pass --same-person if both names belong to one person", err)
	}
	return err
}

// reportAdded prints the change as a diff does.
func (c *signersAddCommand) reportAdded(path string, added signing.AddedSigner) error {
	if c.output.json {
		return c.emitJSON(signersAdded{
			File: path, Line: added.Line, Text: added.Added, Fingerprint: added.Fingerprint, Written: !c.dryRun,
		})
	}
	writef(c.out, "%s, line %d:\n", path, added.Line)
	if added.Before != "" {
		writef(c.out, " %s\n", added.Before)
	}
	writef(c.out, "+%s\n", added.Added)
	if c.dryRun {
		c.remark("nothing was changed (--dry-run)")
	}
	return nil
}

// readIfThere is the text of a file, empty if there is no such file.
func readIfThere(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// signersMode is the mode of a new file of allowed signers: it holds public keys, and the
// worker, which often runs as another user, must read it.
const signersMode = 0o644

// replaceFile gives a file a new text, and keeps its mode. It fails if the file is not what it
// was when the new text was made from it. A symbolic link keeps pointing to the file.
func replaceFile(path string, was, text []byte) error {
	mode := fs.FileMode(signersMode)
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	return writeFile(path, func(w io.Writer) error {
		if _, err := w.Write(text); err != nil {
			return fmt.Errorf("cannot write %s: %w", path, err)
		}
		if f, ok := w.(*os.File); ok {
			if err := f.Chmod(mode); err != nil {
				return fmt.Errorf("cannot set the mode of %s: %w", path, err)
			}
		}
		now, err := readIfThere(path)
		if err == nil && !bytes.Equal(now, was) {
			return fmt.Errorf("%s was changed meanwhile: run the command again", path)
		}
		return err
	})
}
