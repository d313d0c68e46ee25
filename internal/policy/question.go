package policy

import (
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Question is everything a policy may look at. Its JSON is also what people write for
// `starter policy explain`.
type Question struct {
	Op        access.Op           `json:"op"` // grant, acquire or revoke; grant if empty
	Principal access.PrincipalRef `json:"principal"`
	Role      Role                `json:"role"`
	Scope     Scope               `json:"scope"`
	Requester string              `json:"requester"`
	// Duration is how long the role is wanted; 0 means for good.
	Duration access.Duration `json:"duration,omitzero"`
	Now      time.Time       `json:"now"` // when it was asked for
	// AllowLevelChange is whether the request says that a level change is meant.
	AllowLevelChange bool `json:"allowLevelChange,omitempty"`
	// LevelChange is whether granting it moves the principal to another level.
	LevelChange bool `json:"levelChange,omitempty"`
	// BreakGlass is whether the request asks to start at once.
	BreakGlass bool `json:"breakGlass,omitempty"`
	// NewAccount is whether the principal is made by the request, with this one role, which
	// it gets for good; it has no id yet. It is asked about as a grant.
	NewAccount bool `json:"newAccount,omitempty"`
	// Before and After are what the principal holds now, and would hold if every level
	// change were allowed. They are for separation of duties.
	Before access.Holdings `json:"before"`
	After  access.Holdings `json:"after"`
	// RoleNames are the names of the console's roles by id. Where it is empty, no role
	// is taken to be unknown.
	RoleNames map[string]string `json:"roleNames,omitempty"`
}

// Role is the role that is asked for.
type Role struct {
	ID         string `json:"id"`
	Name       string `json:"name,omitempty"`
	Predefined bool   `json:"predefined,omitempty"`
}

// Scope is the scope it is asked for.
type Scope struct {
	Level access.Level `json:"level"`
	ID    string       `json:"id,omitempty"` // "" for the tenant
	Name  string       `json:"name,omitempty"`
	// Account is the id of the account: of a site the one it belongs to, of an account
	// its own, "" for the tenant.
	Account string `json:"account,omitempty"`
}

// About is the question of a plan, as asked at a moment. A site's account, whether the
// role is predefined and the names of roles are not in a plan: the caller adds them. An
// account that is to be made is asked about as a grant for good to somebody new, also
// where it is there already: it may be gone when its turn comes.
func About(plan access.Plan, now time.Time) Question {
	if plan.Account != nil {
		plan.Op, plan.Principal, plan.Before = access.OpGrant, plan.Account.Ref(), access.Holdings{}
	}
	q := Question{
		Op: plan.Op, Principal: plan.Principal, Role: Role{ID: plan.Role.ID, Name: plan.Role.Name},
		Scope:     Scope{Level: plan.Scope.Level, ID: plan.Scope.ID, Name: plan.Scope.Name},
		Requester: plan.Terms.Requester, Duration: plan.Terms.Duration, Now: now,
		AllowLevelChange: plan.Terms.AllowLevelChange, BreakGlass: plan.Terms.BreakGlass, Before: plan.Before,
		NewAccount: plan.Account != nil,
	}
	return q.WithHoldings(plan.Before)
}

// WithHoldings fills in what follows from what the principal holds now: what it would
// hold, whether that moves it to another level, and an account's own account.
func (q Question) WithHoldings(before access.Holdings) Question {
	var none access.OwnershipState
	op := q.Op
	if op == "" {
		op = access.OpGrant
	}
	step := none.Apply(access.Change{
		Op: op, Rules: access.Rules{AllowLevelChange: true},
		Lease: access.Lease{Holding: access.Holding{Level: q.Scope.Level, RoleID: q.Role.ID, ScopeID: q.Scope.ID}},
	}, before)
	q.Before, q.After = step.Before, step.After
	q.LevelChange = q.op() == opGrant && len(before.Held) > 0 && before.Level != q.Scope.Level
	if q.Scope.Level == access.AccountLevel {
		q.Scope.Account = q.Scope.ID
	}
	return q
}

// op is how conditions spell the kind of request.
func (q Question) op() string {
	if q.Op == access.OpRevoke {
		return opRevoke
	}
	return opGrant
}

func (q Question) permanent() bool { return q.op() == opGrant && q.Duration == 0 }

// check says what no request can be without.
func (q Question) check() error {
	var faults []error
	switch q.Op {
	case "", access.OpGrant, access.OpAcquire, access.OpRevoke:
	default:
		faults = append(faults, fmt.Errorf("a policy decides about grant and revoke, not about %q", q.Op))
	}
	if Fold(q.Requester) == "" {
		faults = append(faults, errors.New("the requester is missing: a policy cannot tell who must not approve"))
	}
	if !q.Scope.Level.Assignable() {
		faults = append(faults, fmt.Errorf("scope.level is %q: write tenant, account or site", q.Scope.Level))
	}
	if q.Duration < 0 {
		faults = append(faults, fmt.Errorf("the duration is %s: it cannot be less than 0", q.Duration))
	}
	if q.NewAccount && (q.op() != opGrant || q.Duration != 0 || q.BreakGlass) {
		faults = append(faults, errors.New("a new account gets its role for good, and not before it is asked about: "+
			"newAccount goes with op grant, without duration and breakGlass"))
	}
	return errors.Join(faults...)
}

// Answer is what a policy says to a question.
type Answer struct {
	// Approval is for the plan. What is refused has no steps.
	Approval access.Approval `json:"approval"`
	// Rules are what the change may do.
	Rules access.Rules `json:"rules"`
	// Refusal says why the request ends at once; "" if it does not.
	Refusal string `json:"refusal,omitempty"`
	// Notes say what of the policy does not fit the console and is ignored.
	Notes []string `json:"notes,omitempty"`
	// Explanation says, a sentence each, which rules matched and what followed.
	Explanation []string `json:"explanation"`
}
