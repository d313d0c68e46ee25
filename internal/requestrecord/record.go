package requestrecord

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// Record is everything that is known about one request: by Temporal, while that retains
// it, and by the ledger.
type Record struct {
	Observation // by Temporal; empty if that does not know the request

	ID          string   // workflow id
	Others      []string // other workflow ids that were asked for and exist
	Run         string   // id of the latest run
	Runs        int      // runs in the ledger: over 1 if the id was used again
	TemporalErr error    // why Temporal or a worker did not answer
	LedgerErr   error    // why the ledger could not be read

	Entries []Entry         // of the ledger, in order; of the latest run
	Names   store.Directory // of the last sync; empty without one

	Plan      *access.Plan    // the latest; nil until it is made
	PlannedAt time.Time       // by the ledger; zero if that does not have it
	Receipt   *access.Receipt // nil until the request has ended
	// Access says whether what it has given is in force; nil of a request that has given nothing.
	Access *Held
	// Again is the command that requests the same again, of a pending request that Temporal has lost.
	Again  string
	Proofs []access.Proof // by the receipt, else by the workflow, else by the ledger

	inTemporal bool
	waits      []store.Wait // for the console, by the store
}

// Entry is an entry of the ledger with its body.
type Entry struct {
	ledger.Entry

	Body       ledger.Body // nil if it cannot be read
	Unreadable error       // why it cannot be read
}

// States of requests of which only the ledger is known.
const (
	StateOpen       = "open"       // there is no receipt
	StateLost       = "lost"       // no receipt, it has given nothing, and Temporal has no workflow that goes on
	StateUnreadable = "unreadable" // this version cannot read its entry
)

// Known reports whether any source knows the request.
func (r Record) Known() bool { return r.inTemporal || len(r.Entries) > 0 || len(r.waits) > 0 }

// observe reads the request from Temporal, which may stop answering at any time.
func (r *Record) observe(ctx context.Context, c *temporalclient.Connection) {
	seen, err := Observe(ctx, c, temporalclient.Run{WorkflowID: r.ID})
	if err != nil {
		r.TemporalErr = c.Explain(err)
		return
	}
	r.Observation, r.TemporalErr = seen, nil
	if seen.Trouble != "" {
		r.TemporalErr = errors.New(seen.Trouble)
	}
}

// keepLatestRun keeps the entries of the latest run, since an id may have been used again.
func (r *Record) keepLatestRun(all []ledger.Entry) {
	var runs []string
	for _, entry := range all {
		if run := ledger.RunOf(entry).ID; run != "" && !slices.Contains(runs, run) {
			runs = append(runs, run)
		}
	}
	if r.Runs = len(runs); r.Run == "" && r.Runs > 0 {
		r.Run = runs[r.Runs-1]
	}
	for _, entry := range all {
		if ledger.RunOf(entry).ID == r.Run {
			body, err := ledger.Decode(entry)
			r.Entries = append(r.Entries, Entry{Entry: entry, Body: body, Unreadable: err})
		}
	}
}

// assemble takes plan, proofs and receipt from the source that knows them best.
func (r *Record) assemble() {
	var proven []access.Proof
	for _, entry := range r.Entries {
		switch body := entry.Body.(type) {
		case ledger.Request:
			r.Plan, r.PlannedAt = &body.Plan, entry.At
		case ledger.Proof:
			proven = append(proven, body.Proof)
		case ledger.Receipt:
			r.Receipt = &body.Receipt
		}
	}
	r.Proofs = proven
	if r.Status != nil {
		r.Plan, r.Proofs = cmp.Or(r.Status.Plan, r.Plan), r.Status.Proofs
	}
	if r.Receipt == nil && r.Result != nil {
		r.Receipt = r.Result.Receipt
	}
	if r.Receipt != nil {
		r.Proofs = r.Receipt.Proofs
		r.Plan = cmp.Or(r.Plan, &r.Receipt.Plan)
	}
}

// Unreadable joins one error per ledger entry that this version cannot read; nil if there
// is none.
func (r Record) Unreadable() error {
	var all []error
	for _, entry := range r.Entries {
		all = append(all, entry.Unreadable)
	}
	return errors.Join(all...)
}

// State is the state of the request, as in [wire.StateActive]; [StateOpen] if only the
// ledger is known and has no receipt.
func (r Record) State() string {
	if r.Receipt != nil {
		return r.Receipt.State
	}
	if r.Again != "" {
		return StateLost
	}
	return cmp.Or(r.Observation.State(), StateOpen)
}

// Requester is who made the request; "" if that is not known.
func (r Record) Requester() string {
	if r.Plan != nil {
		return r.Plan.Terms.Requester
	}
	if r.Status != nil {
		return r.Status.Requester
	}
	return ""
}

// RequestedAt is when the request was made; zero if that is not known.
func (r Record) RequestedAt() time.Time {
	switch {
	case r.Receipt != nil:
		return r.Receipt.StartedAt
	case r.Status != nil:
		return r.Status.StartedAt
	case len(r.Entries) > 0:
		return r.Entries[0].At
	case len(r.waits) > 0:
		return r.waits[0].Since
	}
	return time.Time{}
}

// EndsAt is when access ends; nil if it does not, or if that is not known.
func (r Record) EndsAt() *time.Time {
	if r.Status == nil {
		return nil
	}
	return r.Status.EndsAt
}

// Waiting says in a sentence what delays the request; "" if nothing does, or if it has
// ended.
func (r Record) Waiting() string {
	switch {
	case r.Receipt != nil || r.Over:
		return ""
	case r.Status != nil && r.Status.Waiting != "":
		return r.Status.Waiting
	case len(r.waits) > 0 && (r.Status == nil || livestatus.Moving(r.Status.State)):
		return livestatus.WaitText(r.waits[len(r.waits)-1])
	}
	return ""
}

// Message says why the request ended as it did; "" if its state says enough.
func (r Record) Message() string {
	switch {
	case r.Receipt != nil:
		return r.Receipt.Message
	case r.Failure != nil:
		return r.Failure.Error()
	}
	return ""
}

// CurrentStatus is the workflow's own status; if no worker answered, one with what else is
// known.
func (r Record) CurrentStatus() wire.RequestStatus {
	if r.Status != nil {
		return *r.Status
	}
	proofs := r.Proofs
	if proofs == nil {
		proofs = []access.Proof{}
	}
	return wire.RequestStatus{
		State: r.State(), Request: r.ID, Requester: r.Requester(), StartedAt: r.RequestedAt(),
		Waiting: cmp.Or(r.Message(), r.Waiting()), Plan: r.Plan, Proofs: proofs,
	}
}

// IsPlanned reports whether a plan is more than a refusal of what was requested: its
// recipient was found, or is an account to create.
func IsPlanned(plan *access.Plan) bool {
	return plan != nil && (plan.Principal.ID != "" || plan.Account != nil)
}
