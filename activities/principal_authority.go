package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// UnauthorizedMetric counts the writes that were not sent for lack of authority, by reason.
const UnauthorizedMetric = "sentinelone_unauthorized_writes"

// loadRecord replaces what the input says of the change by what the ledger has of its
// request. v forbids the change where they do not agree.
func (w *changeAttempt) loadRecord(ctx context.Context) (v authority.Verdict, err error) {
	in := w.in.Change
	run := ledger.RunOfLease(in.Change.Lease.ID)
	ofAccount := in.Change.Op == access.OpCreate || in.Change.Op == access.OpRotate
	if ofAccount || run.Request != in.Request || run.ID == "" ||
		in.Key != access.ChangeKey(run.String(), in.Change.Op) {
		return authority.NotOfRequest(in.Key, in.Request), nil
	}
	w.entries, err = w.store.LedgerOf(ctx, w.consoleName, run.Request)
	if err != nil {
		return authority.Verdict{}, err
	}
	if w.entries, err = genuine(ctx, w.store, w.entries, endsAccess(in.Change.Op)); err != nil {
		return authority.Verdict{}, err
	}
	if w.record, err = authority.RecordOf(w.entries, run); err != nil {
		return authority.Verdict{}, err
	}
	if err = w.loadLists(ctx, &w.record); err != nil {
		return authority.Verdict{}, err
	}
	if v = w.record.About(w.whose(), in.Change.Op); !v.Covered() {
		return v, nil
	}
	w.in.Change.Effect, w.in.Change.Expect = w.record.Approved(in.Change.Op)
	w.in.Change.Change, w.endsAt, err = w.judge.ChangeOf(ctx, w.record, in.Change.Op, w.now().UTC())
	return v, err
}

// beganAt counts the time of the access from a write: that of an earlier attempt that is on the console, or the one
// that comes next. Of access that the ledger knows to have begun, it changes nothing.
func (w *changeAttempt) beganAt(ctx context.Context, at time.Time) (err error) {
	if w.op != access.OpAcquire {
		return nil
	}
	w.in.Change.Change, w.endsAt, err = w.judge.ChangeOf(ctx, w.record, w.op, at)
	return err
}

func (w *changeAttempt) whose() access.PrincipalRef {
	return access.PrincipalRef{Kind: w.in.Writer.Kind, ID: w.in.Writer.ID}
}

// withoutOver marks the leases whose time is over and whose role is hidden by another one.
// Their workflows have not released them, since they wait or somebody has terminated them:
// the end of what hides them would give their roles back.
func (w *changeAttempt) withoutOver(
	ctx context.Context, known access.OwnershipState, actual access.Read,
) (access.OwnershipState, error) {
	var over []string
	for _, l := range known.Leases {
		if l.Lost || l.Over || l.ID == w.in.Change.Change.Lease.ID || actual.Holdings.Holds(l.Holding) {
			continue
		}
		run := ledger.RunOfLease(l.First())
		entries, err := w.store.LedgerOf(ctx, w.consoleName, run.Request)
		if err != nil {
			return known, err
		}
		if entries, err = genuine(ctx, w.store, entries, w.endsAccess()); err != nil {
			return known, err
		}
		record, err := authority.RecordOf(entries, run)
		if err != nil {
			return known, err
		}
		ended, err := w.judge.Over(ctx, record, w.now().UTC())
		switch {
		case err != nil && w.endsAccess(): // which waits for no check
			ended = w.judge.OverByRecord(ctx, record, w.now().UTC())
		case err != nil:
			err = fmt.Errorf("cannot tell yet whether %s is in force: %w", run.Request, err)
			return known, kinds.New(kinds.Unavailable, err)
		}
		if ended {
			over = append(over, l.ID)
		}
	}
	if over == nil {
		return known, nil
	}
	return known.WithOver(over...), nil
}

// authorize decides whether a step may be sent. done is the answer where it may not.
func (w *changeAttempt) authorize(
	ctx context.Context, step access.Step, actual access.Read,
) (done *wire.WriteResult, err error) {
	v, err := w.judge.Write(ctx, w.record, authority.Change{
		Principal: w.whose(), Op: w.in.Change.Change.Op, Known: w.known, Step: step, Now: w.now().UTC(),
	})
	if err != nil {
		return nil, kinds.New(kinds.Unavailable,
			fmt.Errorf("cannot tell yet whether the change is authorized: %w", err))
	}
	switch v.Answer {
	case authority.Covered:
		return nil, nil
	case authority.AskAgain:
		out := w.planChangedResult(actual, nil)
		out.Message = v.Text
		return &out, nil
	case authority.NotNow:
		return nil, kinds.New(kinds.Unavailable, errors.New(v.Text))
	case authority.Unauthorized:
	}
	out, err := w.unauthorized(ctx, v, actual)
	return &out, err
}

// unauthorized records that the change is not written. A release is an error, not an
// outcome: its access is still in force, and its request must not end on it.
func (w *changeAttempt) unauthorized(
	ctx context.Context, v authority.Verdict, actual access.Read,
) (wire.WriteResult, error) {
	in := w.in.Change
	attempt.Logger(ctx).Warn("A change is not authorized", "request", in.Request, "op", in.Change.Op,
		"reason", v.Reason, "text", v.Text)
	var err error
	if in.Change.Op.Known() { // invented ones would fill the record of somebody's request
		err = w.recordUnauthorized(ctx, ledger.Unauthorized{
			Change: in.Key, Op: in.Change.Op, Principal: w.whose(), Reason: string(v.Reason), Text: v.Text,
		})
	} else {
		countUnauthorized(ctx, v.Reason)
	}
	switch {
	case err != nil:
		return wire.WriteResult{}, err
	case in.Change.Op == access.OpRelease:
		return wire.WriteResult{}, &unauthorizedError{kinds.New(kinds.Refused, errors.New(v.Text))}
	}
	return wire.WriteResult{
		Next: w.known.LeasesOnly(), Message: "not authorized: " + v.Text,
		Proof: access.Proof{
			Op: in.Change.Op, Key: in.Key, Outcome: access.Unauthorized,
			Before: actual.Holdings, After: actual.Holdings, Reads: append([]access.Read{}, w.reads...),
		},
	}, nil
}

// recordUnauthorized records, counts and tells what is not written. A change whose key is of no
// request is recorded as belonging to none, since nothing that it says is known to be true.
func (w *consoleWork) recordUnauthorized(ctx context.Context, body ledger.Unauthorized) error {
	countUnauthorized(ctx, authority.Reason(body.Reason))
	body.Text = oneLine(body.Text, maxWords)
	key := ledger.UnauthorizedKey(body.Change, body.Reason)
	err := ledger.ErrBadEntry
	if len(key) <= maxKeyBytes {
		err = w.note(ctx, w.entry(key, body))
	}
	if !errors.Is(err, ledger.ErrBadEntry) {
		if err == nil {
			run := ledger.RunOf(ledger.Entry{Request: w.request, Key: key})
			w.notify.BestEffort(ctx, wire.Event{Type: wire.EventUnauthorized, Request: run.Request, Run: run.ID})
		}
		return err
	}
	w.pending = nil // for the same request
	stray := w.entry(ledger.StrayUnauthorizedKey(body.Change, body.Reason), body)
	body.Change = oneLine(body.Change, describedName)
	body.Principal.ID = oneLine(body.Principal.ID, describedName)
	stray.Request, stray.Body = string(ledger.KindUnauthorized), body
	return w.note(ctx, stray)
}

// maxKeyBytes is longer than a key that a request can have.
const maxKeyBytes = access.MaxWorkflowBytes + 300

// unauthorizedError is final even for a release, which is retried otherwise whatever the
// error: the request asks again when its end has come.
type unauthorizedError struct{ error }

func (e *unauthorizedError) Unwrap() error { return e.error }
