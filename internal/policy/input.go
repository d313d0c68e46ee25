package policy

import (
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Input is everything a policy reads of a request. Its JSON is also the format of
// `starter policy explain --request`.
type Input struct {
	Op        access.Op           `json:"op"` // grant, acquire or revoke; grant if empty
	Principal access.PrincipalRef `json:"principal"`
	Role      Role                `json:"role"`
	Scope     Scope               `json:"scope"`
	Requester string              `json:"requester"`
	// Duration is for how long the role is requested; 0 means permanently.
	Duration access.Duration `json:"duration,omitzero"`
	Now      time.Time       `json:"now"` // when the request was made
	// AllowLevelChange is whether the request allows a level change.
	AllowLevelChange bool `json:"allowLevelChange,omitempty"`
	// LevelChange is whether the grant would move the principal to another level.
	LevelChange bool `json:"levelChange,omitempty"`
	// BreakGlass is whether the request is to start before it is approved.
	BreakGlass bool `json:"breakGlass,omitempty"`
	// NewAccount is whether the request creates the principal, with this one permanent role.
	// The principal has no id yet. The policy treats it as a grant.
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
	step := none.Apply(access.Change{
		Op: op, Rules: access.Rules{AllowLevelChange: true},
		Lease: access.Lease{Holding: access.Holding{Level: in.Scope.Level, RoleID: in.Role.ID, ScopeID: in.Scope.ID}},
	}, before)
	in.Before, in.After = step.Before, step.After
	in.LevelChange = in.op() == opGrant && len(before.Held) > 0 && before.Level != in.Scope.Level
	if in.Scope.Level == access.AccountLevel {
		in.Scope.Account = in.Scope.ID
	}
	return in
}

// op is the kind of request, as written in conditions.
func (in Input) op() string {
	if in.Op == access.OpRevoke {
		return opRevoke
	}
	return opGrant
}

func (in Input) permanent() bool { return in.op() == opGrant && in.Duration == 0 }

// check returns what is missing or invalid; nil if nothing is.
func (in Input) check() error {
	var faults []error
	switch in.Op {
	case "", access.OpGrant, access.OpAcquire, access.OpRevoke:
	default:
		faults = append(faults, fmt.Errorf("op is %q: a policy decides only about grant and revoke", in.Op))
	}
	if access.Fold(in.Requester) == "" {
		faults = append(faults, errors.New("the requester is missing: add it, because the requester must not approve"))
	}
	if !in.Scope.Level.Assignable() {
		faults = append(faults, fmt.Errorf("scope.level is %q: write tenant, account or site", in.Scope.Level))
	}
	if in.Duration < 0 {
		faults = append(faults, fmt.Errorf("the duration is %s: it must not be negative", in.Duration))
	}
	if in.NewAccount && (in.op() != opGrant || in.Duration != 0 || in.BreakGlass) {
		faults = append(faults, errors.New("a new account gets its role permanently and after approval: "+
			"use newAccount with op grant, and without duration and breakGlass"))
	}
	return errors.Join(faults...)
}

// Result is what a policy decides about a request.
type Result struct {
	// Approval goes into the plan. A refused request has no steps.
	Approval access.Approval `json:"approval"`
	// Rules limit what the change may do.
	Rules access.Rules `json:"rules"`
	// Refusal says why the request is refused; "" if it is not.
	Refusal string `json:"refusal,omitempty"`
	// Notes name roles of the policy that the console does not have.
	Notes []string `json:"notes,omitempty"`
	// Explanation says which rules matched and why, one sentence each; the last one is the
	// approval in words.
	Explanation []string `json:"explanation"`
}
