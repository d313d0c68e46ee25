package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/driftrules"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// DriftRules carries out the drift rules of the worker's policy.
type DriftRules struct {
	console *console.Client
	store   *store.Store
	policy  *policy.Policy
	queue   string // of workflows
	log     sdklog.Logger
	now     func() time.Time

	mu    sync.Mutex
	known time.Time // when the explanation was made that the last look was about
	next  time.Time // when the next rule is due; zero for none
}

// NewDriftRules wires the drift rules of a policy. queue is the task queue of workflows.
func NewDriftRules(
	c *console.Client, s *store.Store, p *policy.Policy, queue string, log sdklog.Logger,
) *DriftRules {
	return &DriftRules{console: c, store: s, policy: p, queue: queue, log: log, now: time.Now}
}

// driftAtOnce bounds what one look does: the next one goes on.
const driftAtOnce = 100

// Sooner says whether there is something to do before the next look that is due by itself: a sync has explained the
// assignments anew, or the time of a rule has come. It is false where the store does not answer.
func (d *DriftRules) Sooner(ctx context.Context) bool {
	if !d.policy.ActsOnDrift() || d.console.ReadOnly() {
		return false
	}
	now := d.now()
	summary, err := d.store.DriftSummary(ctx, d.console.Console(), now.UTC())
	d.mu.Lock()
	defer d.mu.Unlock()
	return err == nil && (!summary.At.Equal(d.known) || !d.next.IsZero() && !now.Before(d.next))
}

// noteLook keeps what [DriftRules.Sooner] compares with.
func (d *DriftRules) noteLook(known, next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known, d.next = known, next
}

// Apply does what the rules say about the drift that the last proven snapshots show, as far as it is due. temporal is
// nil while Temporal cannot be reached: then nothing is reverted. One that fails holds up no other.
func (d *DriftRules) Apply(ctx context.Context, temporal client.Client) error {
	if !d.policy.ActsOnDrift() || d.console.ReadOnly() {
		return nil
	}
	now := d.now().UTC()
	summary, err := d.store.DriftSummary(ctx, d.console.Console(), now)
	if err != nil {
		return err
	}
	due, next, err := d.due(ctx, summary, now)
	if temporal == nil && len(due) > 0 {
		next = now // once Temporal is reached
	}
	d.noteLook(summary.At, next)
	if err != nil || len(due) == 0 {
		return err
	}
	if err := d.store.KeepPolicy(ctx, d.policy.Hash(), d.policy.Name(), d.policy.Text()); err != nil {
		return fmt.Errorf("cannot store the policy whose drift rules apply: %w", err)
	}
	var faults []error
	for _, one := range due {
		switch {
		case one.Action == string(policy.DriftAdopt):
			err = d.adopt(ctx, one)
		case temporal != nil:
			err = d.revert(ctx, temporal, one)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("drift rule %q for %s %s: %w",
				one.Rule, one.Principal.Kind, one.Principal.ID, err))
		}
	}
	return errors.Join(faults...)
}

// due lists what is to be done now. next is when the next rule is due; zero for none.
func (d *DriftRules) due(
	ctx context.Context, summary store.DriftSummary, now time.Time,
) (out []ledger.Drift, next time.Time, err error) {
	if summary.Counts[drift.Unexplained]+summary.Counts[drift.Unauthorized] == 0 {
		return nil, next, nil
	}
	err = d.store.Drift(ctx, store.DriftQuery{
		Console: d.console.Console(), Now: now, Kinds: []drift.Kind{drift.Unexplained, drift.Unauthorized},
	}, func(row store.DriftRow) error {
		said := driftrules.Plan(d.policy, row, now)
		if !said.Due(now) {
			if !said.At.IsZero() && (next.IsZero() || said.At.Before(next)) {
				next = said.At
			}
			return nil
		}
		one := ledger.Drift{
			Action: string(said.Action), Principal: access.PrincipalRef{Kind: row.Kind, ID: row.ID},
			Holding: access.Holding{Level: row.Level, RoleID: row.RoleID, ScopeID: row.ScopeID},
			Found:   string(row.Drift), Since: row.Since.UTC(), Policy: d.policy.Hash(), Rule: said.Rule,
		}
		done, err := d.done(ctx, one)
		if err == nil && !done && len(out) < driftAtOnce {
			out = append(out, one)
		}
		return err
	})
	if errors.Is(err, store.ErrNoSnapshot) {
		return nil, next, nil
	}
	return out, next, err
}

// done says whether the ledger shows that the rule was carried out: adopted, or that the revoke has ended.
func (d *DriftRules) done(ctx context.Context, one ledger.Drift) (bool, error) {
	entry, err := d.store.LedgerEntryByKey(ctx, d.console.Console(), one.EntryKey())
	switch {
	case errors.Is(err, store.ErrNoEntry):
		return false, nil
	case err != nil || one.Action == string(policy.DriftAdopt):
		return err == nil, err
	}
	entries, err := d.store.LedgerOf(ctx, d.console.Console(), entry.Request)
	for _, e := range entries {
		if err != nil || e.Kind != ledger.KindReceipt || e.Seq < entry.Seq {
			continue
		}
		var record authority.Record
		record, err = authority.RecordOf(entries, ledger.RunOf(e))
		if authority.Asks(record.Drift, record.Plan.Plan) { // else somebody has used the id for something else
			return true, err
		}
	}
	return false, err
}

// adopt records that an assignment counts as baseline, if the console still shows it.
func (d *DriftRules) adopt(ctx context.Context, one ledger.Drift) error {
	if there, err := d.shows(ctx, one); err != nil || !there {
		return err
	}
	d.log.Warn("Access that no request explains is adopted", driftAttributes(one)...)
	return d.record(ctx, string(ledger.KindDrift), one)
}

// revert has the system revoke an assignment, if the console still shows it: the ledger learns first which rule asks
// for that, and then the revoke is a request like others.
func (d *DriftRules) revert(ctx context.Context, temporal client.Client, one ledger.Drift) error {
	if there, err := d.shows(ctx, one); err != nil || !there {
		return err
	}
	id := driftRevoke(one.Occurrence())
	if err := d.record(ctx, id, one); err != nil {
		return err
	}
	err := d.startRevert(ctx, temporal, id, one)
	running, is := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err)
	if is {
		squats, found := d.squats(ctx, temporal, id, running.RunId)
		if found != nil || !squats {
			return found
		}
		d.log.Warn("Another workflow runs in the place of a revert, and is terminated",
			"request", id, "run", running.RunId)
		err = temporal.TerminateWorkflow(ctx, id, running.RunId, "it is not the revert of drift that has this id")
		if err == nil {
			err = d.startRevert(ctx, temporal, id, one)
		}
	}
	if err == nil {
		d.log.Warn("Access that no request explains is reverted", append(driftAttributes(one), "request", id)...)
	}
	return err
}

func (d *DriftRules) startRevert(ctx context.Context, temporal client.Client, id string, one ledger.Drift) error {
	_, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: d.queue, WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, wire.RevokeType, wire.RevokeInput{
		Principal: access.PrincipalSelector{Kind: one.Principal.Kind, ID: one.Principal.ID},
		Role:      access.RoleSelector{ID: one.Holding.RoleID},
		Scope:     access.ScopeSelector{Level: one.Holding.Level, ID: one.Holding.ScopeID},
		Requester: policy.SystemRequester, Console: d.console.Console(),
		Reason: fmt.Sprintf("drift rule %q: %s since %s", one.Rule, one.Found, one.Since.Format(time.RFC3339)),
	})
	return err
}

// squats says whether the workflow that runs under the id of a revert is something else, which would keep the revert
// out for as long as it runs: of another type, on another task queue, or planned as another change.
func (d *DriftRules) squats(ctx context.Context, temporal client.Client, id, run string) (bool, error) {
	is, err := temporal.DescribeWorkflowExecution(ctx, id, run)
	if err != nil {
		return false, err
	}
	info := is.GetWorkflowExecutionInfo()
	if info.GetType().GetName() != wire.RevokeType || info.GetTaskQueue() != d.queue {
		return true, nil
	}
	entries, err := d.store.LedgerOf(ctx, d.console.Console(), id)
	if err != nil {
		return false, err
	}
	record, err := authority.RecordOf(entries, ledger.Run{Request: id, ID: run})
	return err == nil && record.Requested() && !authority.Asks(record.Drift, record.Plan.Plan), err
}

// shows reads the principal anew: the snapshot may be hours old.
func (d *DriftRules) shows(ctx context.Context, one ledger.Drift) (bool, error) {
	p, err := d.console.Principal(ctx, one.Principal.Kind, one.Principal.ID)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil && p.Holdings().Holds(one.Holding), err
}

func (d *DriftRules) record(ctx context.Context, request string, one ledger.Drift) error {
	_, err := d.store.Append(ctx, d.console.Console(), ledger.NewEntry{
		Request: request, Key: one.EntryKey(), At: d.now().UTC(), Body: one,
	})
	return err
}

func driftAttributes(one ledger.Drift) []any {
	return []any{
		"rule", one.Rule, "kind", one.Found, "principal", string(one.Principal.Kind) + "/" + one.Principal.ID,
		"role", one.Holding.RoleID, "scope", one.Holding.Scope().String(), "since", one.Since,
	}
}
