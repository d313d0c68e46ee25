package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sentinelone-provisioner/internal/signing"
)

// signOptions are the flags of commands whose word is signed.
type signOptions struct{ key string }

func (o *signOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.key, "key", "", "SSH key that signs: a private key file, or a public one whose "+
		"private half ssh-agent holds\n(default: the agent's key with your name as its comment, else its only one)")
}

// sign signs a statement at this moment and gives it back with its signature. Where no
// key is named, none can be chosen and no file of allowed signers is configured, the
// signature is "" and a remark says why: the worker knows whether it wants one.
func (p *program) sign(ctx context.Context, o signOptions, s signing.Statement) (signing.Statement, string, error) {
	s.At = p.now().UTC().Truncate(time.Second)
	key, err := signing.OpenKey(ctx, signing.KeyOptions{
		Path: o.key, By: s.By, Socket: os.Getenv("SSH_AUTH_SOCK"), Passphrase: p.askPassphrase,
	})
	if none, ok := errors.AsType[*signing.NoKeyError](err); ok && o.key == "" {
		if p.cfg.Signing.Allowed != "" {
			return s, "", usage("a signature is needed, and %s (--key)", none.Why)
		}
		p.remark("not signed: %s", none.Why)
		return s, "", nil
	}
	if err != nil {
		return s, "", err
	}
	defer func() { _ = key.Close() }()
	signature, err := signing.Sign(ctx, key, s)
	return s, signature, err
}

// askPassphrase asks on the terminal itself, so that standard input may be anything.
func (p *program) askPassphrase(path string) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, errors.New("there is no terminal to ask at: add the key to ssh-agent")
	}
	defer func() { _ = tty.Close() }()
	fmt.Fprintf(tty, "Passphrase of %s: ", printable(path))
	passphrase, err := term.ReadPassword(int(tty.Fd()))
	fmt.Fprintln(tty)
	return passphrase, err
}
