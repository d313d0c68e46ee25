package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Plan finds what the request names, looks at what the principal holds, and works
// out what carrying it out would do. Nothing is changed on the console; the plan, or
// its refusal, goes into the ledger.
//
// Fails with Invalid when a name matches nothing or more than one thing, with
// Conflict when the worker serves another console, and as the console's reads do.
func (r *Request) Plan(ctx context.Context, in wire.PlanInput) (wire.PlanResult, error) {
	defer attempt.KeepAlive(ctx)()
	if _, err := r.runs.requestRun(ctx, in.Request); err != nil {
		return wire.PlanResult{}, err
	}
	if err := attempt.CheckConsole("request", in.Console, r.console.Console()); err != nil {
		return wire.PlanResult{}, err
	}
	if kept, err := r.keptReceipt(ctx, in.Request); err != nil || kept != nil {
		return resultOfPlanned(kept), err
	}
	basis, err := r.basisOf(ctx, in)
	if err != nil {
		return wire.PlanResult{}, err
	}
	plan := r.unresolvedPlan(in, basis.refusal)
	if basis.refusal == "" {
		plan, err = r.planAfterReleases(ctx, in, &basis)
	}
	if err != nil || in.DryRun {
		return wire.PlanResult{Plan: plan}, err
	}
	if err := r.recordPolicy(ctx, in, plan); err != nil {
		return wire.PlanResult{}, err
	}
	filed, err := r.recordPlan(ctx, in.Request, in.Round, ledger.Request{
		Plan: plan, Signature: basis.signature, SignaturesRequired: r.signers != nil, Facts: basis.facts,
	})
	if err != nil {
		return wire.PlanResult{}, err
	}
	plan = filed.Plan
	if plan.Refusal == "" {
		return wire.PlanResult{
			Plan: plan, Signature: filed.Verified(), SignaturesRequired: filed.SignaturesRequired,
			Notify: r.notifies, Indexed: r.indexed(), Delegations: r.delegationsTo(ctx, plan.Approval),
		}, nil
	}
	receipt, err := r.receipt(ctx, wire.CloseInput{
		Request: in.Request, Plan: plan, State: wire.StateRefused, Message: plan.Refusal, Signature: filed.Verified(),
		Decisions: in.Decisions,
	})
	return wire.PlanResult{Plan: plan, Receipt: &receipt}, err
}

// resultOfPlanned is the result of a plan of a request that has ended already.
func resultOfPlanned(kept *access.Receipt) wire.PlanResult {
	if kept == nil {
		return wire.PlanResult{}
	}
	return wire.PlanResult{Plan: kept.Plan, Receipt: kept, Signature: kept.RequestSignature}
}

// planAfterReleases makes the plan. A plan that has failed before defers to releases that wait for the same console,
// so that no role is granted before each pending release was tried.
func (r *Request) planAfterReleases(
	ctx context.Context, in wire.PlanInput, basis *planBasis,
) (access.Plan, error) {
	work := r.planWork(in)
	first := activity.GetInfo(ctx).Attempt == 1
	if !first && !endsAccess(in.Op) {
		if err := work.deferToReleases(ctx); err != nil {
			return access.Plan{}, err
		}
	}
	plan, err := r.makePlan(ctx, in, basis)
	switch {
	case err != nil && !fault.KindOf(err).Final():
		return plan, work.retryLater(ctx, err)
	case !first:
		err = errors.Join(err, work.clearWait(ctx, in.Request.ID, store.StepPlan))
	}
	if why := basis.signedAnother(plan); err == nil && why != "" {
		plan = r.unresolvedPlan(in, why)
	}
	return plan, err
}

func (r *Request) planWork(in wire.PlanInput) *consoleWork {
	return &consoleWork{
		console: r.console, store: r.store, now: r.now,
		consoleName: r.console.Console(), request: in.Request.ID, op: store.StepPlan,
	}
}

// recordPlan puts the plan into the ledger. Where an earlier attempt has done that, its plan
// counts, even if the console has changed since: there is one plan per request.
func (r *Request) recordPlan(
	ctx context.Context,
	of wire.RequestInfo,
	round int,
	in ledger.Request,
) (ledger.Request, error) {
	entries, err := r.store.Append(ctx, in.Plan.Console, ledger.NewEntry{
		Request: of.ID, Key: runOf(of).RequestKey(round), At: r.now().UTC(), Body: in,
	})
	if err != nil {
		return in, fmt.Errorf("cannot record the request %s: %w", of.ID, err)
	}
	return ledger.DecodeAs[ledger.Request](entries[0])
}

// makePlan makes the plan.
func (r *Request) makePlan(ctx context.Context, in wire.PlanInput, basis *planBasis) (access.Plan, error) {
	if endsAccess(in.Op) {
		ctx = console.Urgent(ctx)
	}
	found, err := r.resolve(ctx, in)
	if err != nil {
		return access.Plan{}, err
	}
	found.drift = basis.drift
	found.policy, basis.facts = basis.policy, found.policyFacts(basis.policy)
	if in.Account != nil {
		return r.planAccount(in, found)
	}
	plan := access.Plan{
		Op: in.Op, Console: r.console.Console(), Principal: found.principal.Ref(), Role: found.role, Scope: found.scope,
		Scopes: found.scopes, Terms: in.Terms, Before: found.principal.Holdings(), After: found.principal.Holdings(),
	}
	if plan, err = r.evaluatePolicy(plan, &found); err != nil {
		return access.Plan{}, err
	}
	known, err := r.ownershipOf(ctx, plan)
	if err != nil {
		return access.Plan{}, err
	}
	baseline, err := r.decideBaseline(&plan, found, known)
	if err != nil {
		return access.Plan{}, err
	}
	change := access.Change{
		Op: plan.Op, Lease: access.Lease{ID: in.Request.ID, Holding: plan.Holding()}, Rules: plan.Rules,
	}.WithScopes(plan)
	step := known.Apply(change, r.rolesShown(plan, known))
	plan.Effect = new(access.EffectOf(step, change))
	plan.After, plan.Expected, plan.Outcomes = step.After, step.Outcome, step.Scopes
	plan.Notes = append(step.Describe(), found.notes...)
	if plan.Op == access.OpRotate {
		return r.planRotation(ctx, plan, in, found, known, basis.signature)
	}
	if plan.Op == access.OpDelete || plan.Op == access.OpReset {
		plan.Notes = append(plan.Notes, offboardNote)
	}
	// Of what rules forbid, the policy has said more.
	plan.Refusal = cmp.Or(r.changeRefusal(in.Op, found), plan.Refusal, baseline, ruleRefusal(step, found.scope.Level))
	return plan.Seal(), nil
}

// offboardNote warns of the requests that an offboarding ends.
const offboardNote = "grants of this principal that are in force lose their role and end superseded"

// changeRefusal says why the request cannot be carried out, whatever the rules; or "".
func (r *Request) changeRefusal(op access.Op, found resolved) string {
	switch {
	case r.console.ReadOnly():
		return readOnlyText
	case found.unusable != "":
		return found.unusable
	}
	if op == access.OpDelete {
		return access.Undeletable(found.principal, found.self)
	}
	return access.Untouchable(found.principal, found.self)
}

const readOnlyText = "the worker is read-only (SENTINELONE_READ_ONLY): it changes nothing on the console; " +
	"turn that off, or ask another worker"

// ruleRefusal explains why the rules forbid a step; "" if they do not.
func ruleRefusal(step access.Step, to access.Level) string {
	switch step.Outcome {
	case access.LevelDiffers:
		return fmt.Sprintf("the principal holds its roles at %s level and a console keeps one level per principal: "+
			"a role at %s level would remove all %d it holds; "+
			"to change the level, request again with allowLevelChange", step.Before.Level, to, len(step.Before.Held))
	case access.RolesConflict:
		return conflictText(step)
	case access.LastRoleStays:
		return "it is the principal's last role, and a console requires at least one: " +
			"grant another role first with `starter grant`, or remove the principal with `starter offboard`"
	case access.NoReturn:
		return noReturnText(step)
	case access.NotBaseline:
		return "the principal does not hold the baseline role permanently, so the offboarding would grant it: " +
			grantFirst
	default:
		return ""
	}
}

// grantFirst says what to do instead of an offboarding that would grant a role.
const grantFirst = "have it granted first with `starter grant`, or offboard with --delete"

// noReturnText explains a change after which no role would be left when leases end.
func noReturnText(step access.Step) string {
	if len(step.Next.Baseline.Held) == 0 { // a lease that would be the only access
		return "the principal holds no permanent role that is left when this grant ends, and a console requires at " +
			"least one: grant a permanent role first, or set lastRole in the policy"
	}
	var holders []string
	for _, l := range step.Next.Leases {
		if id, _, _ := strings.Cut(l.ID, "#"); !l.Lost && !slices.Contains(holders, id) {
			holders = append(holders, id)
		}
	}
	return fmt.Sprintf("it is the last role that is left when the grants in force end (%s), and a console requires at "+
		"least one: end those first with `starter end`, or grant another permanent role", strings.Join(holders, ", "))
}
