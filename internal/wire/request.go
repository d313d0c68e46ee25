package wire

import (
	"errors"
	"fmt"
	"time"

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

func requesterGiven(requester string) error {
	if blank(requester) {
		return errors.New(`requester is missing: say who asks, as in "bob@example.com"`)
	}
	return nil
}

// StopInput is the payload of [CancelUpdate] and [EndUpdate].
type StopInput struct {
	By string `json:"by"` // who asks, as claimed
}

// UnmarshalJSON refuses fields it does not know.
func (b *StopInput) UnmarshalJSON(data []byte) error {
	type plain StopInput
	return strict(data, (*plain)(b))
}

// ExtendInput is the payload of [ExtendUpdate].
type ExtendInput struct {
	By       string          `json:"by"`
	Duration access.Duration `json:"duration"` // added to the end
}

// UnmarshalJSON refuses fields it does not know.
func (e *ExtendInput) UnmarshalJSON(data []byte) error {
	type plain ExtendInput
	return strict(data, (*plain)(e))
}

// RequestAnswer is what an update of a grant came to.
type RequestAnswer struct {
	State   string         `json:"state"`
	Outcome access.Outcome `json:"outcome,omitempty"`
	EndsAt  *time.Time     `json:"endsAt,omitempty"`
}

// validBreakGlass says what does not go together with starting at once.
func (in GrantInput) validBreakGlass() error {
	var faults []error
	if in.BreakGlass && in.StartAt != nil {
		faults = append(faults, errors.New("breakGlass starts at once: leave startAt out"))
	}
	if in.BreakGlass && blank(in.Reason) {
		faults = append(faults, errors.New("breakGlass needs a reason: say what cannot wait"))
	}
	return errors.Join(faults...)
}

// Spec is what the requester signs.
func (in GrantInput) Spec() access.RequestSpec {
	out := access.RequestSpec{
		Op: access.OpGrant, Console: in.Console, Principal: in.Principal, Role: in.Role, Scope: in.Scope,
		Terms: access.Terms{
			Requester: in.Requester, Reason: in.Reason, AllowLevelChange: in.AllowLevelChange,
			BreakGlass: in.BreakGlass,
		},
	}
	if in.Duration != nil {
		out.Op, out.Terms.Duration = access.OpAcquire, *in.Duration
	}
	if in.StartAt != nil {
		out.Terms.StartAt = in.StartAt.UTC()
	}
	return out
}

// Spec is what the requester signs.
func (in RevokeInput) Spec() access.RequestSpec {
	return access.RequestSpec{
		Op: access.OpRevoke, Console: in.Console, Principal: in.Principal, Role: in.Role, Scope: in.Scope,
		Terms: access.Terms{Requester: in.Requester, Reason: in.Reason},
	}
}
