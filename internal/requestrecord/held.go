package requestrecord

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Held says whether the access that a request has given is in force, by the ledger: also of a request whose workflow
// was terminated or lost.
type Held struct {
	State string     `json:"state"`           // one of the states below
	Until *time.Time `json:"until,omitempty"` // when it ends, or had to be gone; nil if it is permanent
	At    *time.Time `json:"at,omitempty"`    // when it was released
	// BySystem says that the worker itself has released it, and not its request.
	BySystem bool `json:"bySystem,omitempty"`
}

// States of access that a request has given.
const (
	HeldInForce  = "inForce"
	HeldOverdue  = "overdue"  // it had to be gone: a running worker releases it
	HeldReleased = "released" // the ledger holds the proof
	HeldReplaced = "replaced" // a hand edit or a later change took its place
)

// Text says it in a few words.
func (h Held) Text() string {
	switch h.State {
	case HeldReleased:
		who := "released"
		if h.BySystem {
			who = "released by the system"
		}
		if h.At != nil {
			who += " on " + describe.Minute(*h.At)
		}
		return who
	case HeldReplaced:
		return "replaced by a hand edit or a later change"
	case HeldOverdue:
		return "overdue since " + describe.Minute(*h.Until) + ": a running worker releases it"
	}
	if h.Until == nil {
		return "in force, permanent"
	}
	return "in force until " + describe.Minute(*h.Until)
}

// HeldBy is the state of the access of the latest run of a request; nil if it has given none.
func HeldBy(ctx context.Context, s *store.Store, console, request string, now time.Time) (*Held, error) {
	all, err := s.ClaimsOfRequest(ctx, console, request)
	all = slices.DeleteFunc(all, func(c store.Claim) bool {
		return c.Op != store.ClaimLease && c.Op != store.ClaimGrant
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	last := all[len(all)-1]
	out := Held{State: HeldInForce}
	if !last.Due.IsZero() {
		out.Until = &last.Due
	}
	switch {
	case last.State == store.ClaimClosed:
		out.State, out.Until, out.At = HeldReleased, nil, &last.ClosedAt
		key := ledger.OverdueKey(access.ChangeKey(last.Of().String(), access.OpRelease))
		_, err := s.LedgerEntryByKey(ctx, console, key)
		if err != nil && !errors.Is(err, store.ErrNoEntry) {
			return nil, err
		}
		out.BySystem = err == nil
	case !slices.ContainsFunc(all, func(c store.Claim) bool { return c.State == store.ClaimOpen && c.Run == last.Run }):
		out.State, out.Until = HeldReplaced, nil
	case out.Until != nil && !now.Before(out.Until.Add(store.OverdueAfter)):
		out.State = HeldOverdue
	}
	return &out, nil
}

// AddHeld adds to the rows without a receipt whether their access is in force, and to those that have ended without
// one, or that Temporal does not know, and that have given nothing, the command that requests the same again.
func (r Reader) AddHeld(ctx context.Context, rows []Row, now time.Time) error {
	for i := range rows {
		row := &rows[i]
		if row.closed || row.unplanned || row.State == StateUnreadable {
			continue
		}
		var err error
		if row.Access, err = HeldBy(ctx, r.Store, r.Console, row.ID, now); err != nil {
			return err
		}
		if row.Access == nil && row.gone && (row.State == StateOpen || row.State == wire.StateFailed) {
			row.State, row.Again = StateLost, Again(row.plan)
		}
	}
	return nil
}

// Again is the command that requests the same again; "" where that takes more than the plan says.
func Again(p access.Plan) string {
	var words []string
	switch p.Op {
	case access.OpAcquire, access.OpGrant:
		words = []string{"starter", "grant"}
	case access.OpRevoke:
		words = []string{"starter", "revoke"}
	case access.OpDelete:
		words = []string{"starter", "offboard"}
	case access.OpReset, access.OpCreate, access.OpRelease, access.OpRotate:
		return ""
	default:
		return ""
	}
	flag := "--user"
	if p.Principal.Kind == access.ServiceUser {
		flag = "--service-user"
	}
	words = append(words, flag, cmp.Or(p.Principal.Email, p.Principal.ID))
	if p.Op == access.OpDelete {
		words = append(words, "--delete")
	} else {
		words = append(words, "--role", p.Role.ID)
		for _, s := range p.AllScopes() {
			words = append(words, "--scope", cmp.Or(s.ID, string(access.Tenant)))
		}
		if p.Scope.Level != access.Tenant {
			words = append(words, "--level", string(p.Scope.Level))
		}
	}
	if p.Terms.Duration > 0 {
		words = append(words, "--for", describe.Duration(p.Terms.Duration))
	}
	if p.Terms.AllowLevelChange {
		words = append(words, "--allow-level-change")
	}
	if p.Terms.Reason != "" {
		words = append(words, "--reason", p.Terms.Reason)
	}
	for i, w := range words {
		words[i] = shellWord(w)
	}
	return strings.Join(words, " ")
}

// shellWord is a word as a shell takes it: in quotation marks unless it has letters and such only.
func shellWord(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._@/+:"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
