package main

import (
	"context"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
)

// requestInput is the input of a request, which whoever asks can sign.
type requestInput interface {
	Spec() access.RequestSpec
	Sign(signature string, at time.Time)
}

// signRequest signs what an order asks for, as of now.
func (p *app) signRequest(ctx context.Context, o startRequest) error {
	if o.dryRun {
		return nil // it does nothing that somebody must stand for
	}
	by, err := p.signer(ctx, o.sign, o.input.Spec().Terms.Requester)
	if err != nil {
		return err
	}
	defer by.close()
	return by.request(ctx, o)
}

// request puts a signature to the input of an order. Where nothing says here that one is
// wanted, a key that does not sign keeps nobody from asking.
func (s signer) request(ctx context.Context, o startRequest) error {
	if s.key == nil || o.dryRun {
		return nil
	}
	signed, signature, err := s.signAsked(ctx, o)
	switch {
	case err != nil && s.must:
		return err
	case err != nil:
		s.remark("not signed: %v", err)
		return nil
	}
	o.input.Sign(signature, signed.At)
	return nil
}

func (s signer) signAsked(ctx context.Context, o startRequest) (signing.Statement, string, error) {
	asked := o.input.Spec()
	if asked.Console == "" {
		return signing.Statement{}, "", usage("a signed request says which console it is for: set SENTINELONE_BASE_URL")
	}
	return s.sign(ctx, signing.OfRequest(o.id, access.RequestSignature{Request: asked}))
}
