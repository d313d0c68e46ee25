package claims

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// Projector brings the claims of one console up to date.
type Projector struct {
	Store   *store.Store
	Console string
	Judge   authority.Judge // works out ends, with the policies and signatures of requests
	Log     Logger          // nil: nothing is logged
}

// Logger is a logger of package slog, or of Temporal.
type Logger interface {
	Warn(msg string, keyvals ...any)
	Error(msg string, keyvals ...any)
}

func (p Projector) log() Logger {
	if p.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return p.Log
}

const (
	// batch is how many entries of the ledger one transaction takes in.
	batch = 2000
	// doubtfulAtOnce is how many runs are computed again each time, since something could not be
	// read.
	doubtfulAtOnce = 100
)

// CatchUp brings the claims up to date with the ledger as it is when it ends. It works in bounded
// steps, so that what it has done stays done when ctx ends.
func (p Projector) CatchUp(ctx context.Context) error {
	if err := p.recheck(ctx); err != nil {
		return err
	}
	for {
		more, err := p.step(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// step takes in the next entries, and says whether there may be more.
func (p Projector) step(ctx context.Context) (more bool, err error) {
	from, err := p.Store.ClaimsHead(ctx, p.Console)
	if err != nil {
		return false, err
	}
	there, err := p.Store.HasEntry(ctx, p.Console, from)
	if err != nil {
		return false, err
	}
	if !there { // the ledger is another one than it was: an older database was restored
		p.log().Warn("The ledger does not hold the entry up to which the claims are made: making them again",
			"entry", from.Seq)
		return true, p.Store.ResetClaims(ctx, p.Console, from)
	}
	marks, err := p.Store.LedgerMarks(ctx, p.Console, from.Seq, batch)
	if err != nil || len(marks) == 0 {
		return false, err
	}
	last := marks[len(marks)-1]
	update := store.ClaimsUpdate{From: from, To: ledger.Head{Seq: last.Seq, Hash: last.Hash}}
	seen := map[ledger.Run]bool{}
	for _, m := range marks {
		if m.Kind == ledger.KindDrift {
			if err := p.addAdoption(ctx, &update, m.Key); err != nil {
				return false, err
			}
			continue
		}
		run := ledger.RunOf(ledger.Entry{Request: m.Request, Key: m.Key})
		if run.ID == "" || seen[run] || !concerns(m.Kind) {
			continue
		}
		seen[run] = true
		if err := p.add(ctx, &update, run); err != nil {
			return false, err
		}
	}
	_, err = p.Store.SaveClaims(ctx, p.Console, update)
	return err == nil, err // also where another worker was faster
}

// recheck computes again what was doubtful.
func (p Projector) recheck(ctx context.Context) error {
	runs, err := p.Store.DoubtfulRuns(ctx, p.Console, doubtfulAtOnce)
	if err != nil || len(runs) == 0 {
		return err
	}
	head, err := p.Store.ClaimsHead(ctx, p.Console)
	if err != nil {
		return err
	}
	update := store.ClaimsUpdate{From: head, To: head}
	for _, run := range runs {
		if err := p.add(ctx, &update, run); err != nil {
			return err
		}
	}
	_, err = p.Store.SaveClaims(ctx, p.Console, update)
	return err
}

// concerns says whether an entry of that kind can change a claim.
func concerns(k ledger.Kind) bool {
	switch k {
	case ledger.KindWrite, ledger.KindAnswer, ledger.KindProof, ledger.KindDecision, ledger.KindExtensionRequest,
		ledger.KindExtension, ledger.KindCancelled, ledger.KindStop, ledger.KindReceipt:
		return true
	default:
		return false
	}
}

// add makes the claims of a run, from all that the ledger has of it.
func (p Projector) add(ctx context.Context, u *store.ClaimsUpdate, run ledger.Run) error {
	entries, err := p.Store.LedgerOfRun(ctx, p.Console, run)
	if err != nil {
		return err
	}
	entries, forged, err := p.genuine(ctx, entries)
	if err != nil {
		return err
	}
	found, err := p.claimsOf(ctx, run, entries, forged)
	if err != nil {
		return err
	}
	u.Runs = append(u.Runs, run)
	u.Claims = append(u.Claims, found...)
	for _, c := range found {
		if len(u.Principals) > 0 && u.Principals[len(u.Principals)-1] == c.Principal {
			continue
		}
		u.Principals = append(u.Principals, c.Principal)
		lost, err := p.lostLeases(ctx, c.Principal)
		if err != nil {
			return err
		}
		u.Lost = append(u.Lost, lost...)
	}
	return nil
}

// genuine are the entries that a worker has written. forged are the others.
func (p Projector) genuine(ctx context.Context, all []ledger.Entry) (out, forged []ledger.Entry, err error) {
	for _, e := range all {
		switch err := p.Store.VerifySeal(ctx, e); {
		case err == nil:
			out = append(out, e)
		case errors.Is(err, ledger.ErrBadSeal):
			p.log().Error("An entry of the ledger does not count",
				"entry", e.Seq, "error", err)
			forged = append(forged, e)
		default:
			return nil, nil, err
		}
	}
	return out, forged, nil
}

// lostLeases are those that the last proof about a principal names as lost. A proof that is not
// genuine says nothing: its leases then are in force, and their ends are due.
func (p Projector) lostLeases(ctx context.Context, of ledger.Subject) ([]string, error) {
	last, found, err := p.lastRoleProof(ctx, of.String())
	if err != nil || !found {
		return nil, err
	}
	good, _, err := p.genuine(ctx, []ledger.Entry{last})
	if err != nil || len(good) == 0 {
		return nil, err
	}
	body, err := ledger.DecodeAs[ledger.Proof](last)
	if err != nil {
		return nil, fmt.Errorf("read the last proof about %s: %w", of, err)
	}
	if body.Roles == nil {
		return nil, nil
	}
	var out []string
	for _, l := range body.Roles.Next.Leases {
		if l.Lost {
			out = append(out, l.ID)
		}
	}
	return out, nil
}

// lastRoleProof is the newest proof of a change of a principal's roles. The proof that its account was
// created may come later; it knows nothing of leases.
func (p Projector) lastRoleProof(ctx context.Context, of string) (ledger.Entry, bool, error) {
	last, found, err := p.Store.LastProofOf(ctx, p.Console, of)
	if err != nil || !found || ofRoles(last) {
		return last, found, err
	}
	all, err := p.Store.LedgerOfSubject(ctx, p.Console, of, 0)
	if err != nil {
		return ledger.Entry{}, false, err
	}
	for _, e := range slices.Backward(all) {
		if e.Kind == ledger.KindProof && ofRoles(e) {
			return e, true, nil
		}
	}
	return ledger.Entry{}, false, nil
}

func ofRoles(e ledger.Entry) bool {
	body, err := ledger.DecodeAs[ledger.Proof](e)
	return err == nil && body.Roles != nil
}

// heldBefore says whether the principal had the role before a change that found it there, and not by
// another lease.
func heldBefore(proof ledger.Proof, lease access.Lease) bool {
	outcome := proof.Proof.Outcome
	for _, s := range proof.Proof.Scopes {
		if s.ScopeID == lease.ScopeID {
			outcome = s.Outcome
		}
	}
	if outcome != access.AlreadyHeld {
		return false
	}
	if proof.Roles != nil {
		for _, other := range proof.Roles.Next.Leases {
			if other.Holding == lease.Holding && other.ID != lease.ID {
				return false
			}
		}
	}
	return true
}
