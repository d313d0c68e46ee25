package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// Input is everything a policy reads of a request. Its JSON is also the format of
// `starter policy explain --request`.
type Input struct {
	// Op is grant, acquire, revoke, delete, reset or one of the kinds of this package; grant if
	// empty.
	Op        access.Op           `json:"op"`
	Principal access.PrincipalRef `json:"principal"`
	Role      Role                `json:"role"`
	Scope     Scope               `json:"scope"`
	// Scopes are the scopes of a request that lists several; Scope is then the first of them.
	Scopes    []Scope `json:"scopes,omitempty"`
	Requester string  `json:"requester"`
	// Mode is what an offboarding does: delete or baseline. Op delete and reset say so too.
	Mode string `json:"mode,omitempty"`
	// Duration is for how long the role is requested; 0 means permanently. Of an extension it
	// is the time from the start to the new end.
	Duration access.Duration `json:"duration,omitzero"`
	Now      time.Time       `json:"now"` // when the request was made
	// AllowLevelChange is whether the request allows a level change.
	AllowLevelChange bool `json:"allowLevelChange,omitempty"`
	// LevelChange is whether the grant would move the principal to another level.
	LevelChange bool `json:"levelChange,omitempty"`
	// BreakGlass is whether the request is to start before it is approved.
	BreakGlass bool `json:"breakGlass,omitempty"`
	// NewAccount is whether the request creates the principal, with this one permanent role.
	// The principal has no id yet. It is a grant, unless rules name createUser or
	// createServiceUser.
	NewAccount bool `json:"newAccount,omitempty"`
	// Before and After are the roles that the principal holds now, and would hold if every
	// level change were allowed. Separation of duties compares them.
	Before access.Holdings `json:"before"`
	After  access.Holdings `json:"after"`
	// RoleNames are the names of the console's roles by id. If it is empty, the check whether
	// the console has a role is skipped.
	RoleNames map[string]string `json:"roleNames,omitempty"`
}

// Role is the requested role.
type Role struct {
	ID         string `json:"id"`
	Name       string `json:"name,omitempty"`
	Predefined bool   `json:"predefined,omitempty"`
}

// Scope is the scope at which the role is requested.
type Scope struct {
	Level access.Level `json:"level"`
	ID    string       `json:"id,omitempty"` // "" for the tenant
	Name  string       `json:"name,omitempty"`
	// Account is the id of the account: the one that a site belongs to, an account's own, or
	// "" for the tenant.
	Account string `json:"account,omitempty"`
}

// InputFromPlan makes the input of a plan that was requested at now. A plan does not have a
// site's account, the names of roles, and whether the role is predefined: the caller adds
// them. A new account is a permanent grant to a new principal, even if the account exists
// already, because it may be gone when the request is applied.
func InputFromPlan(plan access.Plan, now time.Time) Input {
	if plan.Account != nil {
		plan.Op, plan.Principal, plan.Before = access.OpGrant, plan.Account.Ref(), access.Holdings{}
	}
	in := Input{
		Op: plan.Op, Principal: plan.Principal, Role: Role{ID: plan.Role.ID, Name: plan.Role.Name},
		Scope:     Scope{Level: plan.Scope.Level, ID: plan.Scope.ID, Name: plan.Scope.Name},
		Scopes:    scopesOf(plan),
		Requester: plan.Terms.Requester, Duration: plan.Terms.Duration, Now: now,
		AllowLevelChange: plan.Terms.AllowLevelChange, BreakGlass: plan.Terms.BreakGlass, Before: plan.Before,
		NewAccount: plan.Account != nil,
	}
	return in.WithHoldings(plan.Before)
}

// WithHoldings sets Before, and what follows from it: After, LevelChange, and the account
// of a scope at account level.
func (in Input) WithHoldings(before access.Holdings) Input {
	var none access.OwnershipState
	op := in.Op
	if op == "" {
		op = access.OpGrant
	}
	if in.newAccount() || in.kind() == opExtend {
		op = access.OpGrant
	}
	step := none.Apply(access.Change{
		Op: op, Rules: access.Rules{AllowLevelChange: true},
		Lease: access.Lease{Holding: access.Holding{Level: in.Scope.Level, RoleID: in.Role.ID, ScopeID: in.Scope.ID}},
	}, before)
	in.Before, in.After = step.Before, step.After
	in.LevelChange = in.kind() == opGrant && before.Len() > 0 && before.Level != in.Scope.Level
	if in.Scope.Level == access.AccountLevel {
		in.Scope.Account = in.Scope.ID
	}
	return in
}

// permanent returns whether a role is given that has no end.
func (in Input) permanent() bool {
	return (in.kind() == opGrant || in.newAccount()) && in.Duration == 0
}

// check returns what is missing or invalid; nil if nothing is.
func (in Input) check() error {
	var faults []error
	kind := in.kind()
	switch in.Op {
	case "", access.OpGrant, access.OpAcquire, access.OpDelete, access.OpReset:
	default:
		if !slices.Contains(allKinds, string(in.Op)) {
			faults = append(faults,
				fmt.Errorf("op is %q: a policy decides only about %s", in.Op, describe.Or(allKinds)))
		}
	}
	if access.Fold(in.Requester) == "" && kind != opConfirm { // a schedule starts most syncs
		faults = append(faults, errors.New("the requester is missing: add it, because the requester must not approve"))
	}
	if !in.Scope.Level.Assignable() && in.namesRole() {
		faults = append(faults, fmt.Errorf("scope.level is %q: write tenant, account or site", in.Scope.Level))
	}
	if in.Duration < 0 {
		faults = append(faults, fmt.Errorf("the duration is %s: it must not be negative", in.Duration))
	}
	if (in.newAccount() || in.NewAccount) && (!in.newAccount() || in.Duration != 0 || in.BreakGlass) {
		faults = append(faults, errors.New("a new account gets its role permanently and after approval: "+
			"use op createUser or createServiceUser, or newAccount with op grant, without duration and breakGlass"))
	}
	if kind == opOffboard && in.mode() != modeDelete && in.mode() != modeBaseline {
		faults = append(faults, fmt.Errorf("mode is %q: write %s or %s", in.Mode, modeDelete, modeBaseline))
	}
	if kind == opExtend && in.Duration == 0 {
		faults = append(faults, errors.New("the duration is missing: of an extension it is the time from the start of "+
			"the grant to its new end"))
	}
	return errors.Join(faults...)
}

// namesRole returns whether the request is about a role at a scope.
func (in Input) namesRole() bool {
	switch kind := in.kind(); kind {
	case opConfirm, opUnfreeze, opRotateToken:
		return false
	case opOffboard:
		return in.mode() == modeBaseline
	}
	return true
}

// Result is what a policy decides about a request.
type Result struct {
	// Approval goes into the plan. A refused request has no steps.
	Approval access.Approval `json:"approval"`
	// Rules limit what the change may do.
	Rules access.Rules `json:"rules"`
	// Refusal says why the request is refused; "" if it is not.
	Refusal string `json:"refusal,omitempty"`
	// ReadsRequester is true if the result may depend on the requester's name: a condition that
	// was evaluated reads it. Where signatures are checked, such a result counts for signed
	// requests only.
	ReadsRequester bool `json:"readsRequester,omitempty"`
	// Notes name roles of the policy that the console does not have.
	Notes []string `json:"notes,omitempty"`
	// Explanation says which rules matched and why, one sentence each; the last one is the
	// approval in words.
	Explanation []string `json:"explanation"`
}
