package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/selector"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// requestClient starts and updates requests, and reads their records to explain errors.
func (p *app) requestClient(e *temporalClient) requestclient.Client {
	return requestclient.Client{
		Temporal: e.Connection,
		Record: func(ctx context.Context, ids ...string) requestrecord.Record {
			return p.requestRecord(ctx, e, "", ids...)
		},
	}
}

// withHint adds the command to run next to an error about a request.
func withHint(err error) error {
	if e, is := errors.AsType[*requestclient.AmbiguousError](err); is {
		return badConfiguration(e)
	}
	if e, is := errors.AsType[*requestrecord.NotFoundError](err); is && e.Incomplete == nil {
		return fmt.Errorf("%w: see `starter requests`", err)
	}
	if e, is := errors.AsType[*requestclient.TakenError](err); is {
		return fmt.Errorf("%w; choose another --id, or run `starter show %s`", err, requestclient.ShortID(e.Record.ID))
	}
	if e, is := errors.AsType[*requestrecord.EndedError](err); is {
		if e.Record.State() == wire.StateGranted {
			return fmt.Errorf("%w: remove the role with `starter revoke`", err)
		}
		return fmt.Errorf("%w: see `starter show %s`", err, requestclient.ShortID(e.Record.ID))
	}
	if e, is := errors.AsType[*requestclient.UnknownResultError](err); is {
		return fmt.Errorf("%w: run `starter show %s`", err, requestclient.ShortID(e.ID))
	}
	if errors.Is(err, requestclient.ErrNoConsole) {
		return usage("%w: set SENTINELONE_BASE_URL", err)
	}
	return err
}

// chosenID checks the id that a person gave a request, with or without its prefix.
func chosenID(text, prefix string) (string, error) {
	id, err := selector.RequestID(text, prefix)
	return id, badConfiguration(err)
}

// signOptions are the flags of commands that sign.
type signOptions struct{ key string }

func (o *signOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.key, "key", "", "SSH key that signs: a private key file, or a public one whose "+
		"private half ssh-agent holds\n(default: the agent's key with your name as its comment, else its only one)")
}

// openSigner opens the key of a person. Without --key and ALLOWED_SIGNERS there may be none.
// The caller closes the signer.
func (p *app) openSigner(ctx context.Context, o signOptions, by string) (requestclient.Signer, error) {
	s, err := requestclient.OpenSigner(ctx, requestclient.SignerOptions{
		KeyOptions: signing.KeyOptions{
			Path: o.key, By: by, Socket: os.Getenv("SSH_AUTH_SOCK"), Passphrase: p.askPassphrase,
		},
		Required: p.cfg.Signing.Required(),
		Now:      p.now,
	})
	if none, is := errors.AsType[*signing.NoKeyError](err); is && o.key == "" {
		return s, usage("a signature is required: %s", none.Why)
	}
	return s, err
}

// sign signs one statement. If there is no key, it prints the reason.
func (p *app) sign(ctx context.Context, o signOptions, s signing.Statement) (signing.Statement, string, error) {
	by, err := p.openSigner(ctx, o, s.By)
	if err != nil {
		return s, "", err
	}
	defer by.Close()
	p.remarkUnsigned(by)
	return by.Sign(ctx, s)
}

func (p *app) remarkUnsigned(s requestclient.Signer) {
	if why := s.NoKey(); why != "" {
		p.remark("not signed: %s", why)
	}
}

// startRequest is a request to start, and how to wait for it.
type startRequest struct {
	requestclient.NewRequest

	sign   signOptions
	wait   bool
	dryRun bool
	chosen bool // a person chose the id
	// settled reports the state in which to stop waiting for it, although it is still open.
	settled func(wire.RequestStatus) bool
}

// signRequest signs a request, unless it is a dry run, which does nothing to sign for.
func (p *app) signRequest(ctx context.Context, by requestclient.Signer, o startRequest) error {
	if o.dryRun {
		return nil
	}
	skipped, err := by.SignRequest(ctx, o.ID, o.Input)
	if skipped != nil {
		p.remark("not signed: %v", skipped)
	}
	return withHint(err)
}
