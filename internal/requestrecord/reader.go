package requestrecord

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// Reader reads requests of one console from Temporal and the ledger. Each source may be
// missing; a record then says why.
type Reader struct {
	Temporal    *temporalclient.Connection // nil: not available
	TemporalErr error                      // why Temporal is nil; nil if nobody looked for it
	Store       *store.Store               // nil: not available
	StoreErr    error                      // why Store is nil; nil if nobody looked for it
	Console     string                     // host name
	// Full has long lists of roles read from the store; else they are shown by number and digest.
	Full bool
}

// Read reads the request with the first of these workflow ids that a source knows; the
// others that are known too are in [Record.Others]. It does not fail: a source that does
// not answer is named in [Record.TemporalErr] or [Record.LedgerErr]. Use [Record.Known] to
// see whether there is such a request.
func (r Reader) Read(ctx context.Context, ids ...string) Record {
	out := Record{ID: ids[0], TemporalErr: r.TemporalErr}
	stored := r.stored(ctx, ids)
	out.LedgerErr, out.Names = stored.err, stored.names
	var found []string
	for _, id := range ids {
		run, err := r.firstRun(ctx, id)
		if err != nil {
			out.TemporalErr = err
		}
		if run == "" && len(stored.entries[id]) == 0 && len(stored.waits[id]) == 0 {
			continue
		}
		if found = append(found, id); len(found) == 1 {
			out.ID, out.Run, out.inTemporal = id, run, run != ""
		}
	}
	if len(found) > 0 {
		out.Others = found[1:]
	}
	out.keepLatestRun(stored.entries[out.ID])
	out.waits = stored.waits[out.ID]
	if out.inTemporal {
		out.observe(ctx, r.Temporal)
	}
	out.assemble()
	r.addHeld(ctx, &out)
	if r.Full {
		out.loadLists(ctx, r.Store, r.Console)
	}
	return out
}

// addHeld adds whether the access of the request is in force, and how to request it again if Temporal has lost it.
func (r Reader) addHeld(ctx context.Context, out *Record) {
	if r.Store == nil || !IsPlanned(out.Plan) {
		return
	}
	held, err := HeldBy(ctx, r.Store, r.Console, out.ID, time.Now())
	if err != nil {
		out.LedgerErr = errors.Join(out.LedgerErr, err)
		return
	}
	out.Access = held
	lost := r.Temporal != nil && out.TemporalErr == nil && (!out.inTemporal || out.Over && out.Failure != nil)
	if held == nil && lost && out.Receipt == nil {
		out.Again = Again(*out.Plan)
	}
}

// FromLedger returns the record that the ledger's entries of one workflow id make, without
// Temporal: that of the latest run.
func FromLedger(id string, entries []ledger.Entry) Record {
	out := Record{ID: id}
	out.keepLatestRun(entries)
	out.assemble()
	return out
}

// ForeignError says that the id of a request is, in Temporal, the one of a workflow that is no request. Everybody who
// can reach the namespace can start one.
type ForeignError struct{ ID, Type string }

// Error implements error.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("in Temporal, %s is a workflow of type %q, which is no request: "+
		"see what started it with `temporal workflow show --workflow-id %s`", e.ID, e.Type, e.ID)
}

// firstRun is the id of the first run of the latest workflow; "" if Temporal knows none or
// is not available.
func (r Reader) firstRun(ctx context.Context, id string) (string, error) {
	if r.Temporal == nil {
		return "", nil
	}
	run, workflowType, err := r.Temporal.FirstRun(ctx, id)
	if err == nil && run != "" && !slices.Contains(wire.RequestTypes(), workflowType) {
		return "", &ForeignError{ID: id, Type: workflowType}
	}
	return run, err
}

// storedRequests is what the store knows of some requests, by workflow id.
type storedRequests struct {
	entries map[string][]ledger.Entry
	waits   map[string][]store.Wait
	names   store.Directory
	err     error // why something is missing
}

func (r Reader) stored(ctx context.Context, ids []string) storedRequests {
	out := storedRequests{entries: map[string][]ledger.Entry{}, waits: map[string][]store.Wait{}, err: r.StoreErr}
	if r.Store == nil {
		return out
	}
	for _, id := range ids {
		entries, err := r.Store.LedgerOf(ctx, r.Console, id)
		if err != nil {
			out.err = err
			return out
		}
		out.entries[id] = entries
	}
	waits, err := r.Store.Waits(ctx, r.Console)
	for _, w := range waits {
		out.waits[w.Request] = append(out.waits[w.Request], w)
	}
	names, namesErr := r.Store.Directory(ctx, r.Console)
	out.names, out.err = names, errors.Join(err, namesErr)
	return out
}
