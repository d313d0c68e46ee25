package wire

import (
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// OffboardInput asks that somebody lose everything.
type OffboardInput struct {
	Principal access.PrincipalSelector `json:"principal"`
	Mode      string                   `json:"mode"` // one of the modes below
	// Baseline is what is left in mode baseline.
	Baseline  *Baseline `json:"baseline,omitempty"`
	Requester string    `json:"requester"` // as claimed
	Reason    string    `json:"reason,omitempty"`
	Console   string    `json:"console,omitempty"`
	DryRun    bool      `json:"dryRun,omitempty"`

	Signed
}

// Baseline is the one role that an offboarding leaves.
type Baseline struct {
	Role  access.RoleSelector  `json:"role"`
	Scope access.ScopeSelector `json:"scope"`
}

// The modes of an offboarding.
const (
	ModeDelete   = "delete"   // the user itself is deleted, with every role and its token
	ModeBaseline = "baseline" // every role goes but one
)

// UnmarshalJSON refuses fields it does not know.
func (in *OffboardInput) UnmarshalJSON(data []byte) error {
	type plain OffboardInput
	return strict(data, (*plain)(in))
}

// Validate says what is wrong with the input, all of it.
func (in OffboardInput) Validate() error {
	faults := []error{in.Principal.Validate(), requesterGiven(in.Requester)}
	switch {
	case in.Mode == ModeDelete && in.Baseline != nil:
		faults = append(faults, errors.New("baseline is given, but mode is delete: leave out one of them"))
	case in.Mode == ModeBaseline && in.Baseline == nil:
		faults = append(faults, errors.New("baseline is missing: name the role and scope that are to be left"))
	case in.Mode == ModeBaseline:
		faults = append(faults, within("baseline", in.Baseline.Role.Validate()),
			within("baseline", in.Baseline.Scope.Validate()))
	case in.Mode != ModeDelete:
		faults = append(faults, fmt.Errorf("mode is %q: write delete or baseline", in.Mode))
	}
	return errors.Join(faults...)
}

func within(field string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", field, err)
}

// ProvisionUserInput asks for a user with one role.
type ProvisionUserInput struct {
	Email     string               `json:"email"`
	FullName  string               `json:"fullName"`
	Role      access.RoleSelector  `json:"role"`
	Scope     access.ScopeSelector `json:"scope"`
	Requester string               `json:"requester"` // as claimed
	Reason    string               `json:"reason,omitempty"`
	// Console must be the one the worker serves, if given.
	Console string `json:"console,omitempty"`
	// DryRun asks for the plan alone: it ends planned, and nothing is changed or written.
	DryRun bool `json:"dryRun,omitempty"`

	Signed
}

// UnmarshalJSON refuses fields it does not know.
func (in *ProvisionUserInput) UnmarshalJSON(data []byte) error {
	type plain ProvisionUserInput
	return strict(data, (*plain)(in))
}

// Validate says what is wrong with the input, all of it.
func (in ProvisionUserInput) Validate() error {
	return errors.Join(in.Account().Validate(), in.Role.Validate(), in.Scope.Validate(), requesterGiven(in.Requester))
}

func (in ProvisionUserInput) Account() access.NewAccount {
	return access.NewAccount{Kind: access.User, Email: in.Email, Name: in.FullName}
}

// ProvisionServiceUserInput asks for a service user with one role, whose token goes to
// the sink of the worker.
type ProvisionServiceUserInput struct {
	Name        string               `json:"name"`
	Description string               `json:"description,omitempty"`
	Role        access.RoleSelector  `json:"role"`
	Scope       access.ScopeSelector `json:"scope"`
	// TokenExpiresAt is when its token ends; TokenLife says it as a time from the start of
	// the request. One of them is wanted.
	TokenExpiresAt *time.Time       `json:"tokenExpiresAt,omitempty"`
	TokenLife      *access.Duration `json:"tokenLife,omitempty"`
	Requester      string           `json:"requester"` // as claimed
	Reason         string           `json:"reason,omitempty"`
	Console        string           `json:"console,omitempty"`
	DryRun         bool             `json:"dryRun,omitempty"`

	Signed
}

// UnmarshalJSON refuses fields it does not know.
func (in *ProvisionServiceUserInput) UnmarshalJSON(data []byte) error {
	type plain ProvisionServiceUserInput
	return strict(data, (*plain)(in))
}

// Validate says what is wrong with the input, all of it.
func (in ProvisionServiceUserInput) Validate(now time.Time) error {
	return errors.Join(in.Account(now).Validate(), in.validExpiry(now), in.Role.Validate(), in.Scope.Validate(),
		requesterGiven(in.Requester))
}

func (in ProvisionServiceUserInput) validExpiry(now time.Time) error {
	switch {
	case (in.TokenExpiresAt == nil) == (in.TokenLife == nil):
		return errors.New(`give one of tokenExpiresAt, when the token ends, and tokenLife, as in "720h"`)
	case in.TokenLife != nil && *in.TokenLife < access.Duration(time.Minute):
		return fmt.Errorf("tokenLife is %s: give a minute at least", *in.TokenLife)
	case in.TokenExpiresAt != nil && in.TokenExpiresAt.Before(now.Add(time.Minute)):
		return fmt.Errorf("tokenExpiresAt is %s: give a time that is a minute ahead at least", at(*in.TokenExpiresAt))
	}
	return nil
}

// account has the end of the token to the second, as consoles keep it.
func (in ProvisionServiceUserInput) Account(now time.Time) access.NewAccount {
	out := access.NewAccount{Kind: access.ServiceUser, Name: in.Name, Description: in.Description}
	switch {
	case in.TokenExpiresAt != nil:
		out.TokenExpiresAt = in.TokenExpiresAt.UTC().Truncate(time.Second)
	case in.TokenLife != nil:
		out.TokenExpiresAt = now.Add(time.Duration(*in.TokenLife)).UTC().Truncate(time.Second)
	}
	return out
}

// Spec is what the requester signs.
func (in ProvisionUserInput) Spec() access.RequestSpec {
	return access.RequestSpec{
		Op: access.OpCreate, Console: in.Console, Role: in.Role, Scope: in.Scope, Account: new(in.Account()),
		Terms: access.Terms{Requester: in.Requester, Reason: in.Reason},
	}
}

// Spec is what the requester signs. A token's life is signed as such: its end is known
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
