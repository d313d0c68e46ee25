package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/signing"
)

// signOptions are the flags of commands whose word is signed.
type signOptions struct{ key string }

func (o *signOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.key, "key", "", "SSH key that signs: a private key file, or a public one whose "+
		"private half ssh-agent holds\n(default: the agent's key with your name as its comment, else its only one)")
}

// signer signs with one key.
type signer struct {
	*app

	key  *signing.Key // nil without one: nothing is signed
	none string       // why there is none
	must bool         // sign, by what is configured or asked for here
}

// signer opens the key of somebody. There may be none where none is named, none can be
// chosen and no file of allowed signers is configured: the worker knows whether it wants
// signatures. The caller closes it.
func (p *app) signer(ctx context.Context, o signOptions, by string) (signer, error) {
	must := o.key != "" || p.cfg.Signing.Allowed != ""
	key, err := signing.OpenKey(ctx, signing.KeyOptions{
		Path: o.key, By: by, Socket: os.Getenv("SSH_AUTH_SOCK"), Passphrase: p.askPassphrase,
	})
	if none, ok := errors.AsType[*signing.NoKeyError](err); ok && o.key == "" {
		if must {
			return signer{}, usage("a signature is needed, and %s (--key)", none.Why)
		}
		return signer{app: p, none: none.Why}, nil
	}
	return signer{app: p, key: key, must: must}, err
}

func (s signer) close() {
	if s.key != nil {
		_ = s.key.Close()
	}
}

// sign signs a statement at this moment and gives it back with its signature, which is ""
// without a key.
func (s signer) sign(ctx context.Context, st signing.Statement) (signing.Statement, string, error) {
	st.At = s.now().UTC().Truncate(time.Second)
	if s.key == nil {
		return st, "", nil
	}
	signature, err := signing.Sign(ctx, s.key, st)
	return st, signature, err
}

// sign signs one statement. Where there is no key for it, a remark says why.
func (p *app) sign(ctx context.Context, o signOptions, s signing.Statement) (signing.Statement, string, error) {
	by, err := p.signer(ctx, o, s.By)
	if err != nil {
		return s, "", err
	}
	defer by.close()
	if by.none != "" {
		p.remark("not signed: %s", by.none)
	}
	return by.sign(ctx, s)
}
