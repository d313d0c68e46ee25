// Package evidence reads from the worker's database what requests have done, and what the console has shown last.
//
// Temporal's namespace is not trusted: a person who reaches it can complete any workflow with any result. So a result
// says only that it is time to look; ConductorOne is told what the ledger proves.
package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
)

const (
	// patience is how long the ledger may lag behind Temporal. The worker writes a proof before a request has its
	// result, so that only a replica of the database lags.
	patience = 5 * time.Second
	// pause is the pause between two looks.
	pause = 250 * time.Millisecond
)

// Reader reads the evidence of one console.
type Reader struct {
	Console string // host and port, if any
	// Store opens the database, to read.
	Store func(context.Context) (*store.Store, error)
	// Patience is how long [Reader.Await] waits for the ledger; 0: 5 s.
	Patience time.Duration
}

// Await is the record of a run, once it proves something; after a while it is the record as it is then. A record
// without a plan is one that the ledger does not have. The run is named by its original id.
func (r Reader) Await(
	ctx context.Context, run ledger.Run, proves func(authority.Record) bool,
) (authority.Record, error) {
	over := time.NewTimer(max(r.Patience, 0))
	if r.Patience == 0 {
		over.Reset(patience)
	}
	defer over.Stop()
	again := time.NewTicker(pause)
	defer again.Stop()
	for {
		record, err := r.run(ctx, run)
		if err != nil || proves(record) {
			return record, err
		}
		select {
		case <-again.C:
		case <-over.C:
			return record, nil
		case <-ctx.Done():
			return record, ctx.Err()
		}
	}
}

func (r Reader) run(ctx context.Context, run ledger.Run) (authority.Record, error) {
	entries, db, err := r.entries(ctx, run.Request)
	if err != nil {
		return authority.Record{}, err
	}
	return recordOf(ctx, db, r.Console, entries, run)
}

// Runs are the records of all runs of a request, oldest first.
func (r Reader) Runs(ctx context.Context, request string) ([]authority.Record, error) {
	entries, db, err := r.entries(ctx, request)
	if err != nil {
		return nil, err
	}
	var runs []ledger.Run
	for _, e := range entries {
		if run := ledger.RunOf(e); run.ID != "" && !slices.Contains(runs, run) {
			runs = append(runs, run)
		}
	}
	out := make([]authority.Record, len(runs))
	for i, run := range runs {
		if out[i], err = recordOf(ctx, db, r.Console, entries, run); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r Reader) entries(ctx context.Context, request string) ([]ledger.Entry, *store.Store, error) {
	db, err := r.Store(ctx)
	if err != nil {
		return nil, nil, err
	}
	entries, err := db.LedgerOf(ctx, r.Console, request)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read what %s has done from the ledger: %w", request, err)
	}
	return entries, db, nil
}

// recordOf is a record whose proofs have their long lists. Of a list that is missing, a proof has the roles that its
// change names, which is enough for an answer.
func recordOf(
	ctx context.Context, db *store.Store, console string, entries []ledger.Entry, run ledger.Run,
) (authority.Record, error) {
	record, err := authority.RecordOf(entries, run)
	if err != nil {
		return record, err
	}
	for key, proof := range record.Proofs {
		if err := db.LoadLists(ctx, console, &proof); err != nil && !errors.Is(err, store.ErrNoList) {
			return record, err
		}
		record.Proofs[key] = proof
	}
	return record, nil
}

// Unproven is the error of a request that has a result in Temporal, of which the ledger has no proof. claim is what
// the result says, such as "granted".
func Unproven(request, claim string) error {
	return explain.Newf(codes.FailedPrecondition, "Temporal says that %s is %s, and the ledger has no proof of it: "+
		"check that connector and worker use the same database, look at `starter show %[1]s`, and find out who has "+
		"changed the workflow in Temporal", request, claim)
}
