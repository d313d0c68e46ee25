package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/applyfile"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// batch is one run of a file.
type batch struct {
	*applyCommand
	*temporalClient

	signer requestclient.Signer

	db      *store.Store // nil if the ledger cannot be read
	host    string
	printed sync.Mutex
	failed  atomic.Bool
	results []*lineResult // in the order of the file; nil for lines not started
}

// lineResult is the outcome of a line; the output for programs.
type lineResult struct {
	Line      int    `json:"line"`
	ID        string `json:"id"` // workflow id
	Action    string `json:"action"`
	Kind      string `json:"kind"`
	Principal string `json:"principal"`
	Role      string `json:"role"`
	Scope     string `json:"scope"`
	OK        bool   `json:"ok"`
	// Already is true if an earlier run has started the request.
	Already bool           `json:"already"`
	State   string         `json:"state"`
	Outcome access.Outcome `json:"outcome,omitempty"`
	// Outcomes are those at each scope of a line that has several, in the plan's order.
	Outcomes []access.ScopeOutcome `json:"outcomes,omitempty"`
	EndsAt   *time.Time            `json:"endsAt,omitempty"`
	Message  string                `json:"message,omitempty"`

	scopes []string // the outcomes in words, where they differ
}

// setOutcomes notes the outcome at each scope.
func (r *lineResult) setOutcomes(plan access.Plan, all []access.ScopeOutcome, say func(access.Outcome) string) {
	r.Outcomes = all
	if describe.Differ(all) {
		r.scopes = describe.Outcomes(describe.NewNames(nil, &plan), plan, all, say)
	}
}

// lastScopes are the outcomes of the last change.
func lastScopes(proofs []access.Proof) []access.ScopeOutcome {
	if len(proofs) == 0 {
		return nil
	}
	return proofs[len(proofs)-1].Scopes
}

// run carries out the lines: those about one principal one after the other.
func (b *batch) run(ctx context.Context, changes []applyfile.Change) {
	var order []string
	of := map[string][]int{}
	for i, c := range changes {
		if of[c.PrincipalKey()] == nil {
			order = append(order, c.PrincipalKey())
		}
		of[c.PrincipalKey()] = append(of[c.PrincipalKey()], i)
	}
	var group errgroup.Group
	group.SetLimit(b.parallel)
	for _, who := range order {
		group.Go(func() error {
			for _, i := range of[who] {
				if b.goesOn(ctx) {
					b.keep(i, b.line(ctx, changes[i]))
				}
			}
			return nil
		})
	}
	_ = group.Wait() // what went wrong is in the results
}

// goesOn says whether another line may be started.
func (b *batch) goesOn(ctx context.Context) bool {
	return ctx.Err() == nil && (!b.failed.Load() || b.goOn || b.dryRun)
}

// keep notes a result and shows it.
func (b *batch) keep(i int, r lineResult) {
	if !r.OK {
		b.failed.Store(true)
	}
	b.printed.Lock()
	defer b.printed.Unlock()
	b.results[i] = &r
	b.print(r)
}

// line carries out one line, unless it is done already.
func (b *batch) line(ctx context.Context, c applyfile.Change) lineResult {
	r := lineResult{
		Line: c.Line, ID: c.ID, Action: c.Action, Kind: c.Kind, Principal: c.Principal, Role: c.Role, Scope: c.Scope,
	}
	if receipt := b.recorded(ctx, c.ID); receipt != nil && !requestrecord.Retryable(receipt.State) {
		r.Already, r.State, r.Outcome = true, receipt.State, receipt.Outcome
		r.setOutcomes(receipt.Plan, lastScopes(receipt.Proofs), describe.Outcome)
		r.Message = "on " + describe.Minute(receipt.FinishedAt)
		r.OK = receipt.State != wire.StateCancelled
		if err := c.CheckPlan(receipt.Plan); err != nil {
			r.OK, r.State, r.Message = false, wire.StateFailed, err.Error()
		}
		return r
	}
	seen, err := b.carry(ctx, c, &r)
	switch {
	case ctx.Err() != nil:
		r.State, r.Message = requestrecord.StateOpen, "in progress: it continues without this command"
		return r
	case err != nil:
		r.State, r.Message = wire.StateFailed, err.Error()
		return r
	}
	r.State = seen.State()
	if seen.Status != nil {
		r.EndsAt = seen.Status.EndsAt
		r.setOutcomes(seen.PlanOrZero(), lastScopes(seen.Status.Proofs), describe.Outcome)
	}
	if seen.Result != nil {
		r.Outcome, r.Message = seen.Result.Outcome, asTyped(seen.Result.Message)
		if plan := seen.Result.Plan; plan != nil {
			r.Outcome = plan.Expected
			r.setOutcomes(*plan, plan.Outcomes, describe.Expected)
		}
		if receipt := seen.Result.Receipt; receipt != nil {
			r.setOutcomes(receipt.Plan, lastScopes(receipt.Proofs), describe.Outcome)
		}
	}
	if err := outcomeErr(seen); err != nil {
		r.Message = err.Error()
		return r
	}
	r.OK = true
	return r
}

// carry starts the request, or follows the one that has its id. One that was refused or
// has failed is started again.
func (b *batch) carry(ctx context.Context, c applyfile.Change, r *lineResult) (requestrecord.Observation, error) {
	o := requestOf(c)
	if b.dryRun {
		o.ID, o.dryRun = r.Action+"/"+requestrecord.DryRunMark+requestclient.NewID(), true
	}
	if err := b.signRequest(ctx, b.signer, o); err != nil {
		return requestrecord.Observation{}, err
	}
	client := b.requestClient(b.temporalClient)
	run, err := client.Start(ctx, o.NewRequest)
	held, taken := errors.AsType[*requestclient.AlreadyStartedError](err)
	switch {
	case err == nil:
		return requestrecord.Follow(ctx, b.Connection, run, o.settled, b.consentWaits(c))
	case !taken:
		return requestrecord.Observation{}, err
	}
	r.Already = true
	seen, err := requestrecord.Follow(ctx, b.Connection, held.Run, o.settled, b.consentWaits(c))
	if err != nil {
		return seen, err
	}
	if err := c.CheckPlan(seen.PlanOrZero()); err != nil {
		return seen, err
	}
	if !seen.Over || !requestrecord.Retryable(seen.State()) {
		return seen, nil
	}
	r.Already = false
	if err := b.signRequest(ctx, b.signer, o); err != nil { // anew: a signature does not keep
		return requestrecord.Observation{}, err
	}
	o.Again = true
	if run, err = client.Start(ctx, o.NewRequest); err != nil {
		return requestrecord.Observation{}, err
	}
	return requestrecord.Follow(ctx, b.Connection, run, o.settled, b.consentWaits(c))
}

// requestOf is the request that carries out a line. A time-bound grant counts as done
// once it is active.
func requestOf(c applyfile.Change) startRequest {
	if c.Action == applyfile.ActionRevoke {
		return startRequest{
			NewRequest: requestclient.NewRequest{
				Type: wire.RevokeType, ID: c.ID, Input: new(c.Revoke()),
				Summary: "revoke at " + string(c.Want.Scope.Level) + " level",
			},
			settled: func(wire.RequestStatus) bool { return false },
		}
	}
	return startRequest{
		NewRequest: requestclient.NewRequest{
			Type: wire.GrantType, ID: c.ID, Input: new(c.Want), Summary: grantSummary(c.Want),
		},
		settled: func(s wire.RequestStatus) bool { return s.State == wire.StateActive },
	}
}

// recorded is the receipt of an id in the ledger, which remembers longer than Temporal.
func (b *batch) recorded(ctx context.Context, id string) *access.Receipt {
	if b.db == nil {
		return nil
	}
	entries, err := b.db.LedgerOf(ctx, b.host, id)
	if err != nil {
		return nil
	}
	return requestrecord.FromLedger(id, entries).Receipt
}

// conclude prints how the run ended, and how to continue it.
func (b *batch) conclude(ctx context.Context, changes []applyfile.Change) error {
	left, bad := 0, 0
	for _, r := range b.results {
		switch {
		case r == nil:
			left++
		case !r.OK:
			bad++
		}
	}
	if !b.output.json {
		b.emitTable(resultTable(b.results))
	}
	done := len(changes) - left - bad
	b.remark("%d of %s done", done, describe.Plural(len(changes), "line"))
	const again = "run the same command again to continue: finished lines are not repeated"
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("stopped: %s not started; %s", were(left), again)
	case left > 0:
		return fmt.Errorf("%s failed, so %s not started; %s", describe.Plural(bad, "line"), were(left), again)
	case bad > 0 && b.dryRun:
		return fmt.Errorf("%s would fail", describe.Plural(bad, "line"))
	case bad > 0:
		return fmt.Errorf("%s failed; %s", describe.Plural(bad, "line"), again)
	}
	return nil
}

func were(n int) string {
	if n == 1 {
		return "1 line was"
	}
	return describe.Plural(n, "line") + " were"
}
