package wire

import (
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// GrantInput is the input of workflow Grant.
type GrantInput struct {
	Principal access.PrincipalSelector `json:"principal"`
	Role      access.RoleSelector      `json:"role"`
	Scope     access.ScopeSelector     `json:"scope"`
	// Scopes are several scopes of one level, at most [access.MaxScopes], instead of Scope: one
	// plan, one approval, one write, one receipt.
	Scopes    []access.ScopeSelector `json:"scopes,omitempty"`
	Requester string                 `json:"requester"` // as claimed
	Reason    string                 `json:"reason,omitempty"`
	// Duration is how long the role is granted, at most [MaxDuration]; nil: permanent.
	Duration *access.Duration `json:"duration,omitempty"`
	// StartAt is when access starts, at most [MaxDuration] ahead; nil or past: at once. The
	// duration counts from it.
	StartAt *time.Time `json:"startAt,omitempty"`
	// AllowLevelChange allows a grant at another level than the principal's, which removes all
	// its roles at the level it is at.
	AllowLevelChange bool `json:"allowLevelChange,omitempty"`
	// BreakGlass starts access at once, if the policy allows that, and has it reviewed
	// afterwards. Without a passed review in time, the grant is ended.
	BreakGlass bool `json:"breakGlass,omitempty"`
	// Console, if given, must be the one that the worker serves: its host and port, if any.
	Console string `json:"console,omitempty"`
	// DryRun makes the plan only: the request ends planned, and changes and records nothing.
	DryRun bool `json:"dryRun,omitempty"`

	Signed
}

// UnmarshalJSON fails on unknown fields.
func (in *GrantInput) UnmarshalJSON(data []byte) error {
	type plain GrantInput
	return strict(data, (*plain)(in))
}

// RevokeInput is the input of workflow Revoke.
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

// UnmarshalJSON fails on unknown fields.
func (in *RevokeInput) UnmarshalJSON(data []byte) error {
	type plain RevokeInput
	return strict(data, (*plain)(in))
}

// MaxDuration is the longest time-bound grant, and the farthest start.
const MaxDuration = 366 * 24 * time.Hour

// Validate returns all faults of the input, joined; nil if there is none. now is the start of
// the request.
func (in GrantInput) Validate(now time.Time) error {
	faults := []error{
		in.Principal.Validate(), in.Role.Validate(), in.ValidateScopes(), requesterGiven(in.Requester),
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

// Validate returns all faults of the input, joined; nil if there is none.
func (in RevokeInput) Validate() error {
	return errors.Join(in.Principal.Validate(), in.Role.Validate(), in.Scope.Validate(), requesterGiven(in.Requester))
}

func validDuration(d time.Duration) error {
	switch {
	case d <= 0:
		return fmt.Errorf("duration is %s: pass one above 0, or omit it for a permanent role", access.Duration(d))
	case d > MaxDuration:
		return fmt.Errorf("duration is %s: the maximum is %s (%s); omit it for a permanent role",
			access.Duration(d), access.Duration(MaxDuration), days(MaxDuration))
	}
	return nil
}

func requesterGiven(requester string) error {
	if blank(requester) {
		return errors.New(`requester is missing: name the requester, as in "bob@example.com"`)
	}
	return nil
}

// StopInput is the payload of [CancelUpdate] and [EndUpdate].
type StopInput struct {
	By      string `json:"by"` // who cancels or ends it; a claim, unless it is signed
	Comment string `json:"comment,omitempty"`

	Signed
}

// UnmarshalJSON fails on unknown fields.
func (b *StopInput) UnmarshalJSON(data []byte) error {
	type plain StopInput
	return strict(data, (*plain)(b))
}

// ExtendInput is the payload of [ExtendUpdate].
type ExtendInput struct {
	By       string          `json:"by"`       // who asks for it; a claim, unless it is signed
	Duration access.Duration `json:"duration"` // added to the end
	// EndsAt is the end that results, as the sender computed it. The extension is refused if
	// the end has moved since then; zero skips the comparison.
	EndsAt  time.Time `json:"endsAt,omitzero"`
	Comment string    `json:"comment,omitempty"`

	Signed
}

// UnmarshalJSON fails on unknown fields.
func (e *ExtendInput) UnmarshalJSON(data []byte) error {
	type plain ExtendInput
	return strict(data, (*plain)(e))
}

// RequestAnswer answers [CancelUpdate], [EndUpdate] and [ExtendUpdate]: the state after it.
type RequestAnswer struct {
	State   string         `json:"state"`
	Outcome access.Outcome `json:"outcome,omitempty"`
	EndsAt  *time.Time     `json:"endsAt,omitempty"` // of access; nil if it does not end
	// Pending says that an extension waits for its approval: the end has not moved yet.
	Pending bool `json:"pending,omitempty"`
	// Extension is the hash of an extension that is pending: decisions name it as planHash.
	Extension string `json:"extension,omitempty"`
}

// validBreakGlass returns what break-glass forbids or lacks.
func (in GrantInput) validBreakGlass() error {
	var faults []error
	if in.BreakGlass && in.StartAt != nil {
		faults = append(faults, errors.New("breakGlass starts at once: leave startAt out"))
	}
	if in.BreakGlass && blank(in.Reason) {
		faults = append(faults, errors.New("breakGlass needs a reason: state the emergency"))
	}
	return errors.Join(faults...)
}

// Spec is what the requester signs.
func (in GrantInput) Spec() access.RequestSpec {
	out := access.RequestSpec{
		Op: access.OpGrant, Console: in.Console, Principal: in.Principal, Role: in.Role, Scope: in.Scope,
		Scopes: in.Scopes,
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
