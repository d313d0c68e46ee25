package wire

import (
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// OffboardInput is the input of workflow Offboard, which removes a principal or all but one
// of its roles.
type OffboardInput struct {
	Principal access.PrincipalSelector `json:"principal"`
	Mode      string                   `json:"mode"` // ModeDelete or ModeBaseline
	// Baseline is the role that ModeBaseline leaves; nil for ModeDelete.
	Baseline  *Baseline `json:"baseline,omitempty"`
	Requester string    `json:"requester"` // as claimed
	Reason    string    `json:"reason,omitempty"`
	Console   string    `json:"console,omitempty"`
	DryRun    bool      `json:"dryRun,omitempty"`

	Signed
}

// Baseline is the one role that an offboarding in [ModeBaseline] leaves, with its scope.
type Baseline struct {
	Role  access.RoleSelector  `json:"role"`
	Scope access.ScopeSelector `json:"scope"`
}

// The modes of an offboarding.
const (
	ModeDelete   = "delete"   // delete the principal, with all its roles and its token
	ModeBaseline = "baseline" // remove all roles but the baseline
)

// UnmarshalJSON fails on unknown fields.
func (in *OffboardInput) UnmarshalJSON(data []byte) error {
	type plain OffboardInput
	return strict(data, (*plain)(in))
}

// Validate returns all faults of the input, joined; nil if there is none.
func (in OffboardInput) Validate() error {
	faults := []error{in.Principal.Validate(), requesterGiven(in.Requester)}
	switch {
	case in.Mode == ModeDelete && in.Baseline != nil:
		faults = append(faults, errors.New("baseline is set, but mode is delete: omit one of them"))
	case in.Mode == ModeBaseline && in.Baseline == nil:
		faults = append(faults, errors.New("baseline is missing: name the role and scope that the principal keeps"))
	case in.Mode == ModeBaseline:
		faults = append(faults, inBaseline(in.Baseline.Role.Validate()),
			inBaseline(in.Baseline.Scope.Validate()))
	case in.Mode != ModeDelete:
		faults = append(faults, fmt.Errorf("mode is %q: write delete or baseline", in.Mode))
	}
	return errors.Join(faults...)
}

func inBaseline(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("baseline: %w", err)
}

// ProvisionUserInput is the input of workflow ProvisionUser, which creates a user with one
// role.
type ProvisionUserInput struct {
	Email     string               `json:"email"`
	FullName  string               `json:"fullName"`
	Role      access.RoleSelector  `json:"role"`
	Scope     access.ScopeSelector `json:"scope"`
	Requester string               `json:"requester"` // as claimed
	Reason    string               `json:"reason,omitempty"`
	// Console, if given, must be the one that the worker serves: its host and port, if any.
	Console string `json:"console,omitempty"`
	// DryRun makes the plan only: the request ends planned, and changes and records nothing.
	DryRun bool `json:"dryRun,omitempty"`

	Signed
}

// UnmarshalJSON fails on unknown fields.
func (in *ProvisionUserInput) UnmarshalJSON(data []byte) error {
	type plain ProvisionUserInput
	return strict(data, (*plain)(in))
}

// Validate returns all faults of the input, joined; nil if there is none.
func (in ProvisionUserInput) Validate() error {
	return errors.Join(in.Account().Validate(), in.Role.Validate(), in.Scope.Validate(), requesterGiven(in.Requester))
}

// Account is the user to create.
func (in ProvisionUserInput) Account() access.NewAccount {
	return access.NewAccount{Kind: access.User, Email: in.Email, Name: in.FullName}
}

// ProvisionServiceUserInput is the input of workflow ProvisionServiceUser, which creates a
// service user with one role. The worker stores its token (SERVICE_USER_TOKEN_DIR or
// SERVICE_USER_TOKEN_COMMAND).
type ProvisionServiceUserInput struct {
	Name        string               `json:"name"`
	Description string               `json:"description,omitempty"`
	Role        access.RoleSelector  `json:"role"`
	Scope       access.ScopeSelector `json:"scope"`
	// TokenExpiresAt is when the token expires; TokenLife is the same as a time from the
	// start of the request. Exactly one must be given, at least a minute ahead.
	TokenExpiresAt *time.Time       `json:"tokenExpiresAt,omitempty"`
	TokenLife      *access.Duration `json:"tokenLife,omitempty"`
	Requester      string           `json:"requester"` // as claimed
	Reason         string           `json:"reason,omitempty"`
	Console        string           `json:"console,omitempty"`
	DryRun         bool             `json:"dryRun,omitempty"`

	Signed
}

// UnmarshalJSON fails on unknown fields.
func (in *ProvisionServiceUserInput) UnmarshalJSON(data []byte) error {
	type plain ProvisionServiceUserInput
	return strict(data, (*plain)(in))
}

// Validate returns all faults of the input, joined; nil if there is none. now is the start of
// the request.
func (in ProvisionServiceUserInput) Validate(now time.Time) error {
	return errors.Join(in.Account(now).Validate(), validExpiry(in.TokenExpiresAt, in.TokenLife, now),
		in.Role.Validate(), in.Scope.Validate(), requesterGiven(in.Requester))
}

// Account is the service user to create. The expiry of its token is in whole seconds, as
// consoles keep it; now is the start of the request.
func (in ProvisionServiceUserInput) Account(now time.Time) access.NewAccount {
	return access.NewAccount{
		Kind: access.ServiceUser, Name: in.Name, Description: in.Description,
		TokenExpiresAt: tokenExpiry(in.TokenExpiresAt, in.TokenLife, now),
	}
}

// Spec is what the requester signs.
func (in ProvisionUserInput) Spec() access.RequestSpec {
	return access.RequestSpec{
		Op: access.OpCreate, Console: in.Console, Role: in.Role, Scope: in.Scope, Account: new(in.Account()),
		Terms: access.Terms{Requester: in.Requester, Reason: in.Reason},
	}
}

// Spec is what the requester signs. TokenLife is signed as it is, because the expiry is known
// only once the request has started.
func (in ProvisionServiceUserInput) Spec() access.RequestSpec {
	out := access.RequestSpec{
		Op: access.OpCreate, Console: in.Console, Role: in.Role, Scope: in.Scope,
		Account: new(in.Account(time.Time{})), Terms: access.Terms{Requester: in.Requester, Reason: in.Reason},
	}
	if in.TokenLife != nil {
		out.Account.TokenExpiresAt, out.TokenLife = time.Time{}, *in.TokenLife
	}
	return out
}

// Spec is what the requester signs.
func (in OffboardInput) Spec() access.RequestSpec {
	out := access.RequestSpec{
		Op: access.OpDelete, Console: in.Console, Principal: in.Principal,
		Terms: access.Terms{Requester: in.Requester, Reason: in.Reason},
	}
	if in.Baseline != nil {
		out.Op, out.Role, out.Scope = access.OpReset, in.Baseline.Role, in.Baseline.Scope
	}
	return out
}
