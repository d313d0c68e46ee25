package requestrecord

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// DryRunMark is part of the ids of dry runs, so that a dry run does not use up the id of the
// request.
const DryRunMark = "dry-run-"

// Row is one request of a list.
type Row struct {
	ID        string              `json:"id"` // workflow id
	Op        access.Op           `json:"op"`
	Principal access.PrincipalRef `json:"principal"`
	Role      access.RoleRef      `json:"role"`
	Scope     access.ScopeRef     `json:"scope"`
	Duration  access.Duration     `json:"duration,omitzero"` // of a time-bound grant
	Requester string              `json:"requester"`
	AskedAt   time.Time           `json:"askedAt"`
	// State is [StateOpen] where neither Temporal nor a receipt has it, and
	// [StateUnreadable] where its entry in the ledger cannot be read: Message says why.
	State   string         `json:"state"`
	Outcome access.Outcome `json:"outcome,omitempty"`
	EndsAt  *time.Time     `json:"endsAt,omitempty"`
	Waiting string         `json:"waiting,omitempty"`
	Message string         `json:"message,omitempty"` // why it ended as it did
	// Access says whether what it has given is in force; nil of a request that has given nothing, or has a receipt.
	Access *Held `json:"access,omitempty"`
	// Again is the command that requests the same again, of a pending request that Temporal has lost.
	Again string `json:"again,omitempty"`

	plan   access.Plan
	closed bool // it has a receipt

	// unplanned says that the request has no plan yet, so that the ledger has no entry of it;
	// gone says that Temporal does not know it, or that it has ended.
	unplanned, gone bool
}

// Query selects requests.
type Query struct {
	Open  bool       // only requests without a receipt
	Since *time.Time // only those requested then or later; nil for all
	Limit int        // 0 for all
}

// List returns requests, the newest first, by the ledger; [Complete] adds what Temporal
// knows of the open ones. Limited says that the limit was reached. If some entries cannot
// be read, it returns all rows with an [*UnreadableError]; with any other error no rows.
func (r Reader) List(ctx context.Context, q Query) (rows []Row, limited bool, err error) {
	found, err := r.Store.Requests(ctx, store.RequestsQuery{
		Console: r.Console, Limit: q.Limit, Open: q.Open, Since: q.Since,
	})
	if err != nil {
		return nil, false, err
	}
	waits, err := r.Store.Waits(ctx, r.Console)
	if err != nil {
		return nil, false, err
	}
	rows, err = rowsOf(found)
	return withWaits(rows, waits, q.Since), q.Limit > 0 && len(found) == q.Limit, err
}

// UnreadableError says that some entries of the ledger cannot be read.
type UnreadableError struct{ Entries error } // one error per entry, joined

func (e *UnreadableError) Error() string { return e.Entries.Error() }
func (e *UnreadableError) Unwrap() error { return e.Entries }

// RowOf is the row of a running request that has a plan.
func RowOf(id string, s wire.RequestStatus) Row {
	plan := s.Plan
	return Row{
		ID: id, Op: plan.Op, Principal: plan.Principal, Role: plan.Role, Scope: plan.Scope,
		Duration: plan.Terms.Duration, Requester: s.Requester, AskedAt: s.StartedAt,
		State: s.State, EndsAt: s.EndsAt, Waiting: s.Waiting,
	}
}

// rowsOf makes one row of each request. One whose plan was made several times, since its
// recipient had changed meanwhile, has an entry per plan: the newest counts, requested when
// the first was made. It leaves out dry runs that failed.
func rowsOf(found []store.LedgerPair) ([]Row, error) {
	var rows []Row
	var unreadable []error
	seen := map[string]int{}
	for _, pair := range found {
		row, err := ledgerRow(pair)
		if err != nil {
			unreadable = append(unreadable, err)
		}
		run := ledger.RunOf(pair.Request).String()
		if i, again := seen[run]; again {
			rows[i].AskedAt = row.AskedAt
			continue
		}
		if strings.Contains(row.ID, DryRunMark) && NeverPlanned(pair) {
			continue
		}
		seen[run] = len(rows)
		rows = append(rows, row)
	}
	if len(unreadable) > 0 {
		return rows, &UnreadableError{Entries: errors.Join(unreadable...)}
	}
	return rows, nil
}

// ledgerRow returns a row beside an error too: its message says what cannot be read.
func ledgerRow(pair store.LedgerPair) (Row, error) {
	row := Row{ID: pair.Request.Request, AskedAt: pair.Request.At, State: StateOpen}
	request, err := ledger.DecodeAs[ledger.Request](pair.Request)
	if err != nil {
		row.State, row.Message = StateUnreadable, err.Error()
		return row, err
	}
	plan := request.Plan
	row.plan = plan
	row.Op, row.Principal, row.Role, row.Scope = plan.Op, plan.Principal, plan.Role, plan.Scope
	row.Duration, row.Requester = plan.Terms.Duration, plan.Terms.Requester
	if pair.Receipt == nil {
		return row, nil
	}
	closed, err := ledger.DecodeAs[ledger.Receipt](*pair.Receipt)
	if err != nil {
		row.State, row.Message = StateUnreadable, err.Error()
		return row, err
	}
	receipt := closed.Receipt
	row.closed = true
	row.State, row.Outcome, row.Message = receipt.State, receipt.Outcome, receipt.Message
	return row, nil
}

// NeverPlanned reports whether a request ended before it had a plan, as one whose names
// match nothing.
func NeverPlanned(pair store.LedgerPair) bool {
	request, err := ledger.DecodeAs[ledger.Request](pair.Request)
	return err == nil && !IsPlanned(&request.Plan)
}

// withWaits adds why open requests wait for the console, and the requests without a plan
// yet, which are not in the ledger.
func withWaits(rows []Row, waits []store.Wait, since *time.Time) []Row {
	for _, w := range waits {
		i := slices.IndexFunc(rows, func(r Row) bool { return r.ID == w.Request && r.State == StateOpen })
		switch {
		case i >= 0:
			rows[i].Waiting = livestatus.WaitText(w)
		case w.Step == store.StepPlan && (since == nil || !w.Since.Before(*since)):
			rows = slices.Insert(rows, 0, Row{
				ID: w.Request, AskedAt: w.Since, State: StateOpen, Waiting: livestatus.WaitText(w), unplanned: true,
			})
		}
	}
	return rows
}
