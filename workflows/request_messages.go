package workflows

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
)

// GrantInput asks for a role.
type GrantInput struct {
	Principal access.PrincipalSelector `json:"principal"`
	Role      access.RoleSelector      `json:"role"`
	Scope     access.ScopeSelector     `json:"scope"`
	Requester string                   `json:"requester"` // as claimed
	Reason    string                   `json:"reason,omitempty"`
	// Duration is how long the role is wanted; for good if absent.
	Duration *access.Duration `json:"duration,omitempty"`
	// StartAt is when; at once if absent or past. A duration counts from it.
	StartAt *time.Time `json:"startAt,omitempty"`
	// AllowLevelChange consents to losing every role of the level the principal is at.
	AllowLevelChange bool `json:"allowLevelChange,omitempty"`
	// BreakGlass asks to start at once, where the policy lets it, and to be reviewed
	// afterwards; what is not reviewed in time is ended.
	BreakGlass bool `json:"breakGlass,omitempty"`
	// Console must be the one the worker serves, if given.
	Console string `json:"console,omitempty"`
	// DryRun asks for the plan alone: it ends planned, and nothing is changed or written.
	DryRun bool `json:"dryRun,omitempty"`

	Signed
}

// UnmarshalJSON refuses fields it does not know.
func (in *GrantInput) UnmarshalJSON(data []byte) error {
	type plain GrantInput
	return strict(data, (*plain)(in))
}

// RevokeInput asks to take a role away.
type RevokeInput struct {
	Principal access.PrincipalSelector `json:"principal"`
	Role      access.RoleSelector      `json:"role"`
	Scope     access.ScopeSelector     `json:"scope"`
	Requester string                   `json:"requester"` // as claimed
	Reason    string                   `json:"reason,omitempty"`
	Console   string                   `json:"console,omitempty"`
	DryRun    bool                     `json:"dryRun,omitempty"`

	Signed
}

// UnmarshalJSON refuses fields it does not know.
func (in *RevokeInput) UnmarshalJSON(data []byte) error {
	type plain RevokeInput
	return strict(data, (*plain)(in))
}

// MaxDuration is the longest timed grant, and the farthest start.
const MaxDuration = 366 * 24 * time.Hour

// Validate says what is wrong with the input, all of it.
func (in GrantInput) Validate(now time.Time) error {
	faults := []error{
		in.Principal.Validate(), in.Role.Validate(), in.Scope.Validate(), requesterGiven(in.Requester),
		in.validBreakGlass(),
	}
	start := now
	if in.StartAt != nil {
		start = *in.StartAt
		if start.Sub(now) > MaxDuration {
			faults = append(faults, fmt.Errorf(
				"startAt is %s: that is more than %s ahead", at(start), days(MaxDuration)))
		}
	}
	if in.Duration != nil {
		faults = append(faults, validDuration(time.Duration(*in.Duration)))
		if end := start.Add(time.Duration(*in.Duration)); *in.Duration > 0 && !end.After(now) {
			faults = append(faults, fmt.Errorf("it would end at %s, before it can start: "+
				"startAt plus duration must be in the future", at(end)))
		}
	}
	return errors.Join(faults...)
}

// Validate says what is wrong with the input, all of it.
func (in RevokeInput) Validate() error {
	return errors.Join(in.Principal.Validate(), in.Role.Validate(), in.Scope.Validate(), requesterGiven(in.Requester))
}

func validDuration(d time.Duration) error {
	switch {
	case d <= 0:
		return fmt.Errorf("duration is %s: give one above 0, or leave it out for a role for good", access.Duration(d))
	case d > MaxDuration:
		return fmt.Errorf("duration is %s: the longest is %s (%s); leave it out for a role for good",
			access.Duration(d), access.Duration(MaxDuration), days(MaxDuration))
	}
	return nil
}

func days(d time.Duration) string { return fmt.Sprintf("%d days", d/(24*time.Hour)) }

func requesterGiven(requester string) error {
	if blank(requester) {
		return errors.New(`requester is missing: say who asks, as in "bob@example.com"`)
	}
	return nil
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }

// States of a request. Those from granted on are how it ends.
const (
	StatePlanning  = "planning"
	StateAwaiting  = "awaitingApproval"
	StateScheduled = "scheduled" // waits for startAt
	StateApplying  = "applying"
	StateActive    = "active" // a timed grant that is in force
	StateReleasing = "releasing"

	StateGranted   = "granted"
	StateExpired   = "expired"
	StateEnded     = "ended"
	StateCancelled = "cancelled"
	StateDenied    = "denied"
	StateTimedOut  = "timedOut"
	StateRefused   = activities.Refused
	StatePlanned   = "planned" // a dry run
	StateRevoked   = "revoked"

	StateProvisioned = "provisioned"
	StateOffboarded  = "offboarded"
)

// RequestResult is what a request came to. GrantResult and RevokeResult are this.
type RequestResult struct {
	State   string         `json:"state"`
	Outcome access.Outcome `json:"outcome,omitempty"`
	Message string         `json:"message,omitempty"`
	// Plan is the result of a dry run, which has no receipt.
	Plan    *access.Plan    `json:"plan,omitempty"`
	Receipt *access.Receipt `json:"receipt,omitempty"`
}

// RequestStatus answers [StatusQuery] on a grant or revoke.
type RequestStatus struct {
	State     string    `json:"state"`
	Request   string    `json:"request"` // workflow id
	Run       string    `json:"run"`     // of the workflow; part of what decisions are signed over
	Requester string    `json:"requester"`
	StartedAt time.Time `json:"startedAt"`
	// StartsAt is when a scheduled grant is applied, EndsAt when a timed one is released.
	StartsAt *time.Time `json:"startsAt,omitempty"`
	EndsAt   *time.Time `json:"endsAt,omitempty"`
	// Waiting says what it waits for, in a sentence; "" while it moves.
	Waiting string         `json:"waiting,omitempty"`
	Plan    *access.Plan   `json:"plan,omitempty"`
	Proofs  []access.Proof `json:"proofs"`
	// Consent says who has decided and who is still asked, where the plan needs it.
	Consent *ConsentStatus `json:"consent,omitempty"`
	Result  *RequestResult `json:"result,omitempty"`
}

// By is the payload of [CancelUpdate] and [EndUpdate].
type By struct {
	By string `json:"by"` // who asks, as claimed
}

// UnmarshalJSON refuses fields it does not know.
func (b *By) UnmarshalJSON(data []byte) error {
	type plain By
	return strict(data, (*plain)(b))
}

// Extension is the payload of [ExtendUpdate].
type Extension struct {
	By       string          `json:"by"`
	Duration access.Duration `json:"duration"` // added to the end
}

// UnmarshalJSON refuses fields it does not know.
func (e *Extension) UnmarshalJSON(data []byte) error {
	type plain Extension
	return strict(data, (*plain)(e))
}

// Answer is what an update of a grant came to.
type Answer struct {
	State   string         `json:"state"`
	Outcome access.Outcome `json:"outcome,omitempty"`
	EndsAt  *time.Time     `json:"endsAt,omitempty"`
}
