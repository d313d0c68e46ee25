package connection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// askStore asks what the store knows. What cannot be read is left out, and named.
func (a *Activities) askStore(ctx context.Context, e, before *connection.Evidence) {
	host := a.console.Console()
	e.Faults = nil
	look := func(what string, err error) bool {
		if err != nil {
			e.Faults = append(e.Faults, short(fmt.Sprintf("%s: %v", what, err)))
		}
		return err == nil
	}
	e.Running, e.FullSync, e.DeltaSync, e.Changes, e.Drift, e.Ledger = nil, nil, nil, nil, nil, nil
	e.ServiceUserTokens = nil
	if running, err := a.findRunning(ctx, host); look("find a running sync", err) {
		e.Running = running
	}
	if found, err := fullSync(ctx, a.store, host); look("find the last proven sync", err) {
		e.FullSync = found
	}
	if found, err := deltaSync(ctx, a.store, host); look("find how far the activity feed is read", err) {
		e.DeltaSync = found
	}
	if e.DeltaSync != nil && !look("find the schedule of delta syncs", a.scheduled(ctx, host, e.DeltaSync)) &&
		before != nil && before.DeltaSync != nil {
		e.DeltaSync.Every, e.DeltaSync.Paused = before.DeltaSync.Every, before.DeltaSync.Paused
	}
	if found, err := changes(ctx, a.store, host); look("find the last proven change", err) {
		e.Changes = found
	}
	if summary, err := a.store.DriftSummary(ctx, host, a.now().UTC()); look("read the drift", err) {
		e.Drift = &connection.Drift{Counts: map[string]int{}}
		if !summary.At.IsZero() {
			e.Drift.At = &summary.At
		}
		for kind, n := range summary.Counts {
			e.Drift.Counts[string(kind)] = n
		}
	}
	if found, err := ledgerState(ctx, a.store, host, a.now().UTC()); look("read the head of the ledger", err) {
		e.Ledger = found
	}
	if found, err := a.serviceUserTokens(ctx, host); look("find tokens that end", err) {
		e.ServiceUserTokens = found
	}
}

// latestSnapshots is how many snapshots are looked at for one that receives data.
const latestSnapshots = 10

// findRunning finds the sync that receives data now. A snapshot of a sync that was terminated stays as it was, so
// Temporal has to know the sync as running.
func (a *Activities) findRunning(ctx context.Context, host string) (*connection.Running, error) {
	all, err := a.store.LatestSnapshots(ctx, host, latestSnapshots)
	if err != nil {
		return nil, err
	}
	for _, s := range slices.Backward(all) {
		if s.State == store.StateDraining && s.WorkflowID != "" && a.running(ctx, s) {
			return &connection.Running{WorkflowID: s.WorkflowID, StartedAt: s.StartedAt.UTC()}, nil
		}
	}
	return nil, nil
}

// isRunning asks Temporal about the workflow of a snapshot, whose id is that of the workflow's run.
func isRunning(ctx context.Context, s store.Snapshot) bool {
	temporal := attempt.RuntimeOf(ctx).Client
	if temporal == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	got, err := temporal.DescribeWorkflowExecution(ctx, s.WorkflowID, s.ID)
	return err == nil && got.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
}

// fullSync finds when the collection that was proven longest ago was proven in full, and what waits for a person.
func fullSync(ctx context.Context, s *store.Store, host string) (*connection.Sync, error) {
	out := &connection.Sync{}
	proven, err := s.FullyProven(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, c := range access.Collections() {
		at, read := proven[c]
		switch {
		case !read && len(proven) > 0:
			out.Unread = append(out.Unread, string(c))
		case read && (out.ProvenAt == nil || at.Before(*out.ProvenAt)):
			out.ProvenAt = new(at.UTC())
		}
	}
	if len(out.Unread) > 0 {
		out.ProvenAt = nil
	}
	waiting, err := s.Promotable(ctx, host)
	if err != nil || len(waiting) == 0 {
		return out, err
	}
	out.Quarantined, out.QuarantinedSince = len(waiting), new(waiting[0].FinishedAt.UTC())
	return out, nil
}

// deltaSync finds how far the activity feed is read; nil where no delta sync has read it, or was asked for.
func deltaSync(ctx context.Context, s *store.Store, host string) (*connection.DeltaSync, error) {
	feed, err := s.Feed(ctx, host, "")
	if err != nil || !feed.Wanted || feed.ReadAt.IsZero() {
		return nil, err
	}
	out := &connection.DeltaSync{
		At: feed.ReadAt.UTC(), Why: short(feed.Why), Missed: feed.Missed, Changes: feed.Changes,
	}
	if !feed.MeasuredAt.IsZero() {
		out.MeasuredAt = new(feed.MeasuredAt.UTC())
	}
	return out, nil
}

// changes finds the last change that was proven by reading, and the step that waits longest. What waits because giving
// access is frozen waits for people.
func changes(ctx context.Context, s *store.Store, host string) (*connection.Changes, error) {
	out := &connection.Changes{}
	last, found, err := s.LatestProof(ctx, host)
	if err != nil {
		return nil, err
	}
	if found {
		out.ProvenAt, out.Request = new(last.At.UTC()), short(last.Request)
	}
	waits, err := s.Waits(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, w := range waits {
		if strings.HasPrefix(w.Text, access.GivingFrozen) {
			continue
		}
		if out.Waiting++; out.Waiting == 1 { // the longest comes first
			out.WaitingSince, out.WaitingFor = new(w.Since.UTC()), short(w.Request)
		}
	}
	return out, nil
}

// ledgerState reads the last entry, and verifies its hash and its seal.
func ledgerState(ctx context.Context, s *store.Store, host string, now time.Time) (*connection.Ledger, error) {
	out := &connection.Ledger{At: now}
	head, err := s.LedgerHead(ctx, host)
	if err != nil || head == nil {
		return out, err
	}
	out.Seq, out.Sealed = head.Seq, head.Sealed()
	last, err := s.LedgerPage(ctx, store.LedgerPageQuery{Console: host, Limit: 1, Newest: true})
	switch {
	case err != nil:
		return nil, err
	case len(last) == 0 || last[0].Seq != head.Seq || last[0].Hash != head.Hash:
		out.Fault = "it is not the last entry"
		return out, nil
	}
	switch err := s.VerifySeal(ctx, last[0]); {
	case errors.Is(err, ledger.ErrBadSeal):
		out.Fault = short(err.Error())
	case err != nil:
		return nil, err
	}
	return out, nil
}

// tokenList is what the service users of one snapshot say of their tokens.
type tokenList struct {
	snapshot string
	at       time.Time // promoted
	read     time.Time
	ends     []connection.TokenEnd // sorted by their ends
}

// tokenListAge is how long a list is kept, since time passes too.
const tokenListAge = 12 * time.Hour

// serviceUserTokens lists the tokens that end soon, by the latest proven snapshot; nil before the first. All tokens are
// read once for each snapshot.
func (a *Activities) serviceUserTokens(ctx context.Context, host string) (*connection.ServiceUserTokens, error) {
	snapshot, unread, err := a.store.Provenance(ctx, host, nil, access.ServiceUsers)
	if errors.Is(err, store.ErrNoSnapshot) || len(unread) > 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now := a.now().UTC()
	if a.tokens.snapshot != snapshot.ID || now.Sub(a.tokens.read) > tokenListAge {
		list := tokenList{snapshot: snapshot.ID, at: snapshot.PromotedAt.UTC(), read: now}
		err := a.store.ServiceUserTokens(ctx, host, func(p access.Principal) error {
			list.ends = append(list.ends, connection.TokenEnd{
				ID: short(p.ID), Name: short(p.Name), EndsAt: p.TokenExpiresAt.UTC(),
			})
			return nil
		})
		if err != nil {
			return nil, err
		}
		slices.SortFunc(list.ends, func(x, y connection.TokenEnd) int {
			return cmp.Or(x.EndsAt.Compare(y.EndsAt), cmp.Compare(x.ID, y.ID))
		})
		a.tokens = list
	}
	out := &connection.ServiceUserTokens{At: a.tokens.at}
	for _, t := range a.tokens.ends {
		switch {
		case !t.EndsAt.After(now):
			out.Ended++
		case connection.WarningDue(t.EndsAt, now) > 0:
			if out.EndingCount++; len(out.Ending) < connection.MaxListed {
				out.Ending = append(out.Ending, t)
			}
		}
	}
	return out, nil
}
