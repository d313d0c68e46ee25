package authority

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
)

// Judge decides with what one worker knows.
type Judge struct {
	Console string
	// Signers verifies signatures; nil if the worker does not.
	Signers *signing.AllowedSigners
	// Policy is the policy of that hash. An unknown one, or one whose text has another hash,
	// is [ErrNoPolicy].
	Policy func(ctx context.Context, hash string) (*policy.Policy, error)
	// Delegated says why a delegation that a decision names does not count: it is not on
	// record, or was taken back before that time; "" if it counts.
	Delegated func(ctx context.Context, d access.Delegation, at time.Time) (why string, err error)
	// Granted names a request in force that has given a role; "" if none has. It is for reverts of drift.
	Granted func(ctx context.Context, who access.PrincipalRef, h access.Holding) (request string, err error)
	// Drifting says whether the latest proven snapshots show that very occurrence of drift. It is for reverts, too:
	// whoever starts one again, long after, removes nothing.
	Drifting func(ctx context.Context, d ledger.Drift) (bool, error)
	// Frozen says since when and by whom giving is frozen, as [access.FreezeState.String] does;
	// "" if it is not.
	Frozen func(ctx context.Context) (string, error)
}

// Change is a write to judge.
type Change struct {
	Principal access.PrincipalRef // whose access the write changes, as the console is called
	Op        access.Op
	// Known is the ownership of the principal before the change, as the ledger has it.
	Known access.OwnershipState
	Step  access.Step // what would be sent, and the list that was just read
	Now   time.Time   // by the worker's clock
}

// Write judges a change of a principal's roles.
func (j Judge) Write(ctx context.Context, r Record, c Change) (Verdict, error) {
	if v := r.About(c.Principal, c.Op); !v.Covered() {
		return v, nil
	}
	v, err := j.reason(ctx, r, c)
	if err != nil || !v.Covered() {
		return v, err
	}
	return j.onRecord(ctx, r, c)
}

// Create judges the creation of the account that a request is for.
func (j Judge) Create(ctx context.Context, r Record, now time.Time) (Verdict, error) {
	if v := r.About(r.Plan.Plan.Principal, access.OpCreate); !v.Covered() {
		return v, nil
	}
	return j.give(ctx, r, Change{Op: access.OpCreate, Now: now})
}

// Rotate judges a new API token for the service user that a request is about. One that is encrypted to a key that the
// request names goes to whoever wrote the request: so that must be signed, whatever the policy asks for.
func (j Judge) Rotate(ctx context.Context, r Record, now time.Time) (Verdict, error) {
	p := r.Plan.Plan
	if v := r.About(p.Principal, access.OpRotate); !v.Covered() {
		return v, nil
	}
	switch {
	case p.Rotation == nil:
		return forbid(OtherChange, "the plan of %s names no token: request the rotation again", r.Run.Request), nil
	case p.Rotation.Recipient != "" && (j.Signers == nil || r.First.Verified() == nil):
		return forbid(NotSigned, "%s has the token encrypted to a key, and nobody has signed for that: set "+
			"ALLOWED_SIGNERS and sign the request, or have the worker store the token", r.Run.Request), nil
	}
	return j.give(ctx, r, Change{Op: access.OpRotate, Now: now})
}

// About says whether the request on record is about this principal and operation.
func (r Record) About(who access.PrincipalRef, op access.Op) Verdict {
	p := r.Plan.Plan
	switch {
	case !r.Requested():
		return forbid(NoRequest, "the ledger holds no request %s with a plan: request the change with `starter`", r.Run)
	case p.Account == nil && (p.Principal.Kind != who.Kind || p.Principal.ID != who.ID):
		return forbid(OtherChange, "the request %s is about %s %s, not about %s %s",
			r.Run.Request, p.Principal.Kind, p.Principal.ID, who.Kind, who.ID)
	case p.Refusal != "":
		return forbid(OtherChange, "the request %s is refused: %s", r.Run.Request, p.Refusal)
	case !slices.Contains(opsOf(p), op):
		return forbid(OtherChange, "the request %s is to %s, not to %s", r.Run.Request, p.Op, op)
	}
	return covered
}

// Approved is what an operation may do at most: the effect of the plan, or, of a plan that
// has none, what the principal must hold before. Both are nil for what ends access and
// needs no approval.
func (r Record) Approved(op access.Op) (*access.Effect, *access.Holdings) {
	plan := r.Plan.Plan
	switch {
	case op == access.OpRelease, !givesRole(op) && !plan.Approval.Required:
		return nil, nil
	case plan.Effect == nil && plan.Approval.Required:
		return nil, &plan.Before
	}
	return plan.Effect, nil
}

// NotOfRequest says that a change is not one of the request that it names.
func NotOfRequest(change, request string) Verdict {
	return forbid(NoRequest, "the change %q is none of the request %q: request it with `starter`", change, request)
}

// ChangeOf is a change of a request as the ledger has it: what its plan names, by its
// rules, to the end that was approved.
// end is when the access of a lease ends, if it is reviewed in time where it must be; zero for
// never.
func (j Judge) ChangeOf(
	ctx context.Context, r Record, op access.Op, now time.Time,
) (out access.Change, end time.Time, err error) {
	plan := r.Plan.Plan
	out = access.Change{
		Op: op, Rules: plan.Rules, Lease: access.Lease{ID: r.Run.String(), Holding: plan.Holding()},
	}
	if op != access.OpAcquire {
		return out.WithScopes(plan), time.Time{}, nil
	}
	people, err := j.people(ctx, r)
	if err != nil {
		return access.Change{}, time.Time{}, err
	}
	when := people.timesOf(r, Change{Op: op, Now: now})
	out.Lease.End = when.end
	return out.WithScopes(plan), people.accessEnd(r, when.start), nil
}

// opsOf are the operations that a plan leads to.
func opsOf(p access.Plan) []access.Op {
	switch p.Op { //nolint:exhaustive // the others lead to themselves
	case access.OpGrant: // reviewed later, or with an end that an approver has given it, it is a lease first
		return []access.Op{access.OpAcquire, access.OpGrant, access.OpRelease}
	case access.OpAcquire:
		return []access.Op{access.OpAcquire, access.OpRelease}
	}
	return []access.Op{p.Op}
}

// reason says whether the record holds the reason that the operation needs.
func (j Judge) reason(ctx context.Context, r Record, c Change) (Verdict, error) {
	switch c.Op {
	case access.OpGrant, access.OpAcquire, access.OpCreate, access.OpRotate:
		return j.give(ctx, r, c)
	case access.OpRelease:
		return j.release(ctx, r, c)
	default:
		return j.requested(ctx, r, c)
	}
}

// onRecord says whether everything new on the list is on record: requested, or replaced by
// a lease of ours before, or what the rule for the last role leaves.
func (j Judge) onRecord(ctx context.Context, r Record, c Change) (Verdict, error) {
	for _, h := range c.Step.After.Held {
		held := access.Holding{Level: c.Step.After.Level, RoleID: h.RoleID, ScopeID: h.ScopeID}
		if c.Step.Before.Holds(held) || mayBeGiven(r, c, held) {
			continue
		}
		if c.Op == access.OpReset && held == r.Plan.Plan.Holding() {
			if v, err := j.asksNobody(ctx, r, c); err != nil || !v.Covered() {
				return v, err
			}
			continue
		}
		return forbid(NotOnRecord, "role %s at %s is not among what %s requests, and the ledger does not show that "+
			"the principal had it", held.RoleID, held.Scope(), r.Run.Request), nil
	}
	if c.Step.Delete && !mayDelete(r, c) {
		return forbid(NotOnRecord, "%s does not request to delete the principal", r.Run.Request), nil
	}
	return covered, nil
}

func mayBeGiven(r Record, c Change, h access.Holding) bool {
	p := r.Plan.Plan
	switch {
	case givesRole(c.Op) && slices.Contains(p.Holdings(), h):
		return true
	case c.Known.Baseline.Holds(h):
		return true
	case c.Step.LastRole == access.LastRoleDowngrade:
		return p.Rules.LastRole == access.LastRoleDowngrade && p.Rules.Downgrade != nil && *p.Rules.Downgrade == h
	}
	return slices.ContainsFunc(c.Known.Leases, func(l access.Lease) bool {
		return !l.Lost && !l.Over && l.Holding == h
	})
}

func givesRole(op access.Op) bool { return op == access.OpGrant || op == access.OpAcquire }

func mayDelete(r Record, c Change) bool {
	p := r.Plan.Plan
	return p.Op == access.OpDelete && c.Op == access.OpDelete ||
		c.Step.LastRole == access.LastRoleDelete && p.Rules.LastRole == access.LastRoleDelete
}

// frozen says whether giving is frozen.
func (j Judge) frozen(ctx context.Context) (Verdict, error) {
	if j.Frozen == nil {
		return covered, nil
	}
	since, err := j.Frozen(ctx)
	if err != nil || since == "" {
		return covered, err
	}
	return Verdict{Answer: NotNow, Reason: IsFrozen, Text: fmt.Sprintf(
		"%s %s: it goes on after `starter unfreeze`", access.GivingFrozen, since)}, nil
}
