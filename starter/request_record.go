package main

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/requestrecord"
)

// requestRecord reads the first of these requests that Temporal or the ledger knows. It
// reads the ledger alone if e is nil.
func (p *app) requestRecord(
	ctx context.Context, e *temporalClient, console string, ids ...string,
) requestrecord.Record {
	return p.readRecord(ctx, requestrecord.Reader{}, e, console, ids...)
}

// readRecord reads a request as the reader says, with the sources that there are.
func (p *app) readRecord(
	ctx context.Context, r requestrecord.Reader, e *temporalClient, console string, ids ...string,
) requestrecord.Record {
	if e != nil {
		r.Temporal = e.Connection
	}
	db, host, err := p.openLedger(ctx, console)
	if err != nil {
		r.StoreErr = err
	} else {
		defer func() { _ = db.Close() }()
		r.Store, r.Console = db, host
	}
	return r.Read(ctx, ids...)
}

// notFound adds where to look up the id of a request.
func notFound(r requestrecord.Record, text string) error {
	if foreign, is := errors.AsType[*requestrecord.ForeignError](r.TemporalErr); is && r.LedgerErr == nil {
		return fmt.Errorf("there is no request %q: %w", text, foreign)
	}
	err := r.NotFound(text)
	if err.Incomplete != nil {
		return err
	}
	return fmt.Errorf("%w: see `starter requests`", err)
}
