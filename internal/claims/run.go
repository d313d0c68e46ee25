package claims

import (
	"context"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// runFacts is what the ledger has of one run.
type runFacts struct {
	run     ledger.Run
	record  authority.Record
	proofs  map[access.Op]settled
	written map[access.Op]ledger.Entry // the first write of each change
	created string                     // console's id of an account whose creation is not proven yet
	made    time.Time                  // when the console answered so
	proven  []access.Op                // in their order
}

// settled is a proof with its place in the ledger.
type settled struct {
	ledger.Proof

	seq int64
	at  time.Time
}

// claimsOf makes the claims of one run. forged are entries of its request that no worker has written:
// what one of them gave is a claim that is not authorized.
func (p Projector) claimsOf(
	ctx context.Context, run ledger.Run, entries, forged []ledger.Entry,
) ([]store.Claim, error) {
	entries = p.readable(entries)
	record, err := authority.RecordOf(entries, run)
	if err != nil {
		return nil, err
	}
	f := factsOf(run, record, entries)
	var out []store.Claim
	if c, found := p.Judge.Claim(ctx, record); found && !c.Began.IsZero() {
		if c.Doubt != nil {
			p.log().Warn("The end of a claim may be too early", "request", run.Request, "error", c.Doubt)
		}
		out = f.given(c)
	}
	out = append(out, f.others()...)
	if len(out) == 0 && len(forged) > 0 {
		out = forgedClaims(factsOf(run, authority.Record{Run: run}, p.readable(forged)))
	}
	return out, nil
}

// readable are the entries that this version can read. One that it cannot holds up no other.
func (p Projector) readable(all []ledger.Entry) []ledger.Entry {
	return slices.DeleteFunc(slices.Clone(all), func(e ledger.Entry) bool {
		_, err := ledger.Decode(e)
		if err != nil {
			p.log().Error("An entry of the ledger cannot be read",
				"entry", e.Seq, "error", err)
		}
		return err != nil
	})
}

func factsOf(run ledger.Run, record authority.Record, entries []ledger.Entry) runFacts {
	f := runFacts{run: run, record: record, proofs: map[access.Op]settled{}, written: map[access.Op]ledger.Entry{}}
	for _, e := range entries {
		if !run.Owns(e.Key) {
			continue
		}
		body, err := ledger.Decode(e)
		if err != nil {
			continue // not one that is readable
		}
		switch b := body.(type) {
		case ledger.Proof:
			f.proofs[b.Proof.Op] = settled{Proof: b, seq: e.Seq, at: e.At}
			f.proven = append(f.proven, b.Proof.Op)
		case ledger.Write:
			for _, op := range []access.Op{access.OpAcquire, access.OpGrant, access.OpCreate, access.OpRotate} {
				if _, known := f.written[op]; !known && ledger.ChangeOf(e) == access.ChangeKey(run.String(), op) {
					f.written[op] = e
				}
			}
		case ledger.Answer:
			f.answered(b, e)
		}
	}
	return f
}

// answered takes in what the console answered to a call that makes or deletes an account.
func (f *runFacts) answered(b ledger.Answer, e ledger.Entry) {
	switch {
	case b.Account == nil || b.Account.Call.ID == "":
	case b.Account.Call.Action == ledger.CreateAccount:
		f.created, f.made = b.Account.Call.ID, e.At
	case b.Account.Call.Action == ledger.DeleteAccount && b.Account.Call.ID == f.created && b.Write.Error == "":
		f.created = "" // its token was lost, and it is made again
	}
}

// given are the claims on the roles that the run has given, or may have given.
func (f runFacts) given(c authority.Claim) []store.Claim {
	plan := f.record.Plan.Plan
	one := store.Claim{
		Op: store.ClaimLease, State: store.ClaimOpen, Proven: c.Proven, Authorized: f.record.Requested(),
		Doubtful: c.Doubt != nil, Began: c.Began, Due: c.Due, Why: string(c.Why),
		Principal: ledger.Subject{Kind: plan.Principal.Kind, ID: plan.Principal.ID},
	}
	ops := []access.Op{access.OpAcquire, access.OpGrant}
	if c.Permanent {
		one.Op, ops = store.ClaimGrant, []access.Op{access.OpGrant, access.OpAcquire}
	}
	proof := settled{}
	for _, op := range ops {
		if p, found := f.proofs[op]; found && p.Proof.Proof.Granted() {
			proof, one.Entry = p, p.seq
			break
		}
		if w, found := f.written[op]; found {
			one.Entry = w.Seq
			break
		}
	}
	if c.Released {
		one.State, one.ClosedAt = store.ClaimClosed, f.proofs[access.OpRelease].at
	}
	var out []store.Claim
	for _, l := range f.leases() {
		claim := one
		claim.ID, claim.Holding = l.ID, l.Holding
		claim.WasHeld = heldBefore(proof.Proof, l) || c.Released && !f.tookAway(l)
		out = append(out, f.of(claim))
	}
	return out
}

// tookAway says whether the release of a lease has taken its role away: not if something else keeps the role, or had
// replaced it before.
func (f runFacts) tookAway(l access.Lease) bool {
	release := f.proofs[access.OpRelease].Proof.Proof
	outcome := release.Outcome
	for _, s := range release.Scopes {
		if s.ScopeID == l.ScopeID {
			outcome = s.Outcome
		}
	}
	return outcome == access.Released || outcome == access.Deleted
}

// leases are those of the run: a permanent grant has their ids and holdings too.
func (f runFacts) leases() []access.Lease {
	plan := f.record.Plan.Plan
	if f.record.Requested() {
		c := access.Change{Lease: access.Lease{ID: f.run.String(), Holding: plan.Holding()}}
		return c.WithScopes(plan).Leases()
	}
	return f.leasesWritten()
}

// leasesWritten are the leases of the run by what was written or proven, where no plan names them.
func (f runFacts) leasesWritten() (out []access.Lease) {
	states := []access.OwnershipState{}
	if p, found := f.proofs[access.OpAcquire]; found && p.Roles != nil {
		states = append(states, p.Roles.Next)
	}
	if w, found := f.written[access.OpAcquire]; found {
		if body, err := ledger.DecodeAs[ledger.Write](w); err == nil && body.Roles != nil {
			states = append(states, body.Roles.Step.Next)
		}
	}
	for _, s := range states {
		for _, l := range s.Leases {
			if l.First() == f.run.String() {
				out = append(out, l)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// of fills in whose claim it is.
func (f runFacts) of(c store.Claim) store.Claim {
	c.Request, c.Run = f.run.Request, f.run.ID
	if c.ID == "" {
		c.ID = f.run.String()
	}
	return c
}

// others are the claims of changes that are no grant of a role to a principal who was there: they give
// a role, or end those before them.
func (f runFacts) others() []store.Claim {
	var out []store.Claim
	plan := f.record.Plan.Plan
	for _, op := range f.proven {
		p := f.proofs[op]
		if p.Proof.Proof.Outcome.Refused() || p.Proof.Proof.Outcome == access.NotApplied ||
			p.Proof.Proof.Outcome == access.PlanChanged {
			continue
		}
		one := f.of(store.Claim{
			State: store.ClaimClosed, Entry: p.seq, Proven: true, Authorized: f.record.Requested(), Began: p.at,
			Principal: ledger.Subject{Kind: plan.Principal.Kind, ID: plan.Principal.ID}, ClosedAt: p.at,
		})
		if p.Principal != nil {
			one.Principal = *p.Principal
		}
		out = append(out, otherClaims(one, plan, p)...)
	}
	if _, settled := f.proofs[access.OpCreate]; !settled && f.created != "" && plan.Account != nil {
		out = append(out, f.of(store.Claim{
			Op: store.ClaimCreate, Holding: plan.Holding(), State: store.ClaimOpen,
			Entry:      f.written[access.OpCreate].Seq,
			Authorized: true, Began: f.made, Principal: ledger.Subject{Kind: plan.Account.Kind, ID: f.created},
		}))
	}
	return append(out, f.successor()...)
}

// successor are the claims of the service user that takes the place of the one whose token the worker uses, while it
// is not proven yet.
func (f runFacts) successor() (out []store.Claim) {
	plan := f.record.Plan.Plan
	_, settled := f.proofs[access.OpRotate]
	if settled || f.created == "" || plan.Rotation == nil || !plan.Rotation.Own {
		return nil
	}
	for _, h := range holdingsIn(plan.Before) {
		out = append(out, f.of(store.Claim{
			Op: store.ClaimCreate, Holding: h, State: store.ClaimOpen, Entry: f.written[access.OpRotate].Seq,
			Authorized: f.record.Requested(), Began: f.made,
			Principal: ledger.Subject{Kind: plan.Principal.Kind, ID: f.created},
		}))
	}
	return out
}

func holdingsIn(list access.Holdings) (out []access.Holding) {
	for _, h := range list.Held {
		out = append(out, access.Holding{Level: list.Level, RoleID: h.RoleID, ScopeID: h.ScopeID})
	}
	return out
}

// otherClaims are those of one proof.
func otherClaims(one store.Claim, plan access.Plan, p settled) (out []store.Claim) {
	open := one
	open.State, open.ClosedAt = store.ClaimOpen, time.Time{}
	add := func(c store.Claim, op store.ClaimOp, h access.Holding) {
		c.Op, c.Holding = op, h
		out = append(out, c)
	}
	switch p.Proof.Proof.Op {
	case access.OpRevoke:
		for _, h := range plan.Holdings() {
			add(one, store.ClaimRevoke, h)
		}
	case access.OpReset:
		add(open, store.ClaimReset, plan.Holding())
	case access.OpCreate:
		if made := p.Proof.Proof.Made; made != nil {
			open.Principal = ledger.Subject{Kind: made.Kind, ID: made.ID}
			add(open, store.ClaimCreate, plan.Holding())
		}
	case access.OpRotate:
		if made := p.Proof.Proof.Made; made != nil {
			add(one, store.ClaimDelete, access.Holding{}) // of the one whose place it takes
			open.Principal = ledger.Subject{Kind: made.Kind, ID: made.ID}
			for _, h := range holdingsIn(plan.Before) {
				add(open, store.ClaimCreate, h)
			}
		}
	case access.OpGrant, access.OpAcquire, access.OpRelease, access.OpDelete:
	}
	if p.Proof.Proof.Outcome == access.Deleted {
		add(one, store.ClaimDelete, access.Holding{})
	}
	d := plan.Rules.Downgrade
	if d != nil && plan.Rules.LastRole == access.LastRoleDowngrade && isOnly(p.Proof.Proof.After, *d) &&
		(p.Proof.Proof.Op == access.OpRelease || p.Proof.Proof.Op == access.OpRevoke) {
		add(open, store.ClaimDowngrade, *d)
	}
	return out
}

func isOnly(held access.Holdings, h access.Holding) bool { return len(held.Held) == 1 && held.Holds(h) }

// forgedClaims are those that entries name which no worker has written. They give no right to
// anything: the access is there without a record.
func forgedClaims(f runFacts) (out []store.Claim) {
	of := ledger.Subject{}
	entry, began := int64(0), time.Time{}
	if p, found := f.proofs[access.OpAcquire]; found && p.Principal != nil {
		of, entry, began = *p.Principal, p.seq, p.at
	} else if w, found := f.written[access.OpAcquire]; found {
		if body, err := ledger.DecodeAs[ledger.Write](w); err == nil && body.Principal != nil {
			of, entry, began = *body.Principal, w.Seq, w.At
		}
	}
	if of.String() == "" {
		return nil
	}
	for _, l := range f.leasesWritten() {
		out = append(out, f.of(store.Claim{
			ID: l.ID, Op: store.ClaimLease, Holding: l.Holding, State: store.ClaimOpen, Entry: entry, Began: began,
			Principal: of, Due: l.End, Why: string(authority.DueEnd),
		}))
	}
	return out
}
