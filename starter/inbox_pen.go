package main

import (
	"context"
	"errors"
	"os"
	"time"

	"sentinelone-provisioner/internal/signing"
)

// deskPen signs decisions while a screen is shown, when nothing can be asked and remarked.
type deskPen struct {
	options signing.KeyOptions
	now     func() time.Time
	// note says why nothing is signed; "" if it is.
	note string
}

// newPen tries the key. A passphrase is asked for now and kept as long as the screen.
// Where no key can be chosen, that is an error only if a signature is needed.
func (p *program) newPen(ctx context.Context, o signOptions, by string) (*deskPen, error) {
	var kept []byte
	w := &deskPen{now: p.now, options: signing.KeyOptions{
		Path: o.key, By: by, Socket: os.Getenv("SSH_AUTH_SOCK"),
		Passphrase: func(path string) (_ []byte, err error) {
			kept, err = p.askPassphrase(path)
			return kept, err
		},
	}}
	key, err := signing.OpenKey(ctx, w.options)
	w.options.Passphrase = func(string) ([]byte, error) {
		if kept == nil {
			return nil, errors.New("it has one since you came in: start the inbox again")
		}
		return kept, nil
	}
	if none, ok := errors.AsType[*signing.NoKeyError](err); ok && o.key == "" {
		if p.cfg.Signing.Allowed != "" {
			return nil, usage("a signature is needed, and %s (--key)", none.Why)
		}
		w.note = "not signed: " + none.Why
		return w, nil
	}
	if err != nil {
		return nil, err
	}
	return w, key.Close()
}

// sign signs a statement at this moment. The signature is "" only if none was possible
// when the screen came up, as its note says.
func (w *deskPen) sign(ctx context.Context, s signing.Statement) (signing.Statement, string, error) {
	s.At = w.now().UTC().Truncate(time.Second)
	if w.note != "" {
		return s, "", nil
	}
	key, err := signing.OpenKey(ctx, w.options)
	if err != nil {
		return s, "", err
	}
	defer func() { _ = key.Close() }()
	signature, err := signing.Sign(ctx, key, s)
	return s, signature, err
}
