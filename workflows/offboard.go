package workflows

// Offboard takes everything from a principal and proves it: the user or service user
// itself, or every role down to one that is named. People start it with `starter
// offboard`, `starter service-user retire` or the temporal CLI. It goes through the
// principal's one writer; all leases on the principal are lost to it. Once it is being
// applied it is carried through: it has no deadline and cannot be called off. Its id is
// offboard/<request> by custom. Versioning: auto-upgrade.

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/workflow"

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

// Offboard is the workflow of type [OffboardType].
func Offboard(ctx workflow.Context, in OffboardInput) (RequestResult, error) {
	if err := in.Validate(); err != nil {
		return RequestResult{}, invalid(err)
	}
	asked := planInput(in.Spec(), in.Signed, in.DryRun)
	return takeAway(ctx, asked, asked.Op, StateOffboarded)
}
