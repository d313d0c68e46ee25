package accounts

import (
	"context"
	"slices"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/provision"
)

// Delete requests that a user is deleted with all its roles.
func (u Users) Delete(ctx context.Context, id, _ *v2.ResourceId) (annotations.Annotations, error) {
	return nil, explain.Read(u.delete(ctx, id))
}

// Delete requests that a service user is deleted with all its roles and its token.
func (s ServiceUsers) Delete(ctx context.Context, id, _ *v2.ResourceId) (annotations.Annotations, error) {
	return nil, explain.Read(s.delete(ctx, id))
}

// delete has a principal offboarded. One that is gone already is deleted. System users, read-only identities and the
// token's own user are refused by the plan, which reads the console.
func (c *Config) delete(ctx context.Context, of *v2.ResourceId) error {
	if c == nil {
		return errOnlyReads
	}
	who, ok := principalOf(of)
	if !ok {
		return invalid("cannot delete %s %q: only users and service users can be deleted",
			of.GetResourceType(), of.GetResource())
	}
	in := wire.OffboardInput{
		Principal: who, Mode: wire.ModeDelete, Requester: c.Requester, Reason: "deleted in ConductorOne",
		Console: c.Console,
	}
	if err := in.Validate(); err != nil {
		return invalid("cannot delete %s %q: %v", of.GetResourceType(), of.GetResource(), err)
	}
	id := wire.OffboardID(provision.RequestKey("delete", c.Console, string(who.Kind), who.ID))
	r := requestclient.NewRequest{
		Type: wire.OffboardType, ID: id, Input: &in, Again: true, Summary: "offboard: " + in.Mode,
	}
	seen, run, err := c.await(ctx, r, never)
	switch {
	case err != nil:
		return err
	case !seen.Over:
		return explain.Newf(codes.FailedPrecondition, "%s", pendingText(id, seen, "delete the account again"))
	case seen.State() == wire.StateOffboarded:
		_, err := c.proven(ctx, r, run, seen.State(), isDeleted)
		return err
	}
	// A request about a principal that the console does not know fails before there is a plan.
	if seen.Failure != nil && (c.isGone(ctx, of) || c.deletedBefore(ctx, r)) {
		return nil
	}
	return failure(id, seen)
}

// deletedBefore reports whether an earlier run of the same request has deleted the principal: ids are not used again.
func (c *Config) deletedBefore(ctx context.Context, of requestclient.NewRequest) bool {
	runs, err := c.Ledger.Runs(ctx, of.ID)
	return err == nil && slices.ContainsFunc(runs, func(r authority.Record) bool {
		return isDeleted(r) && !isOtherPlan(of, r.Plan.Plan)
	})
}

// isGone says that the last proven sync does not show the principal.
func (c *Config) isGone(ctx context.Context, of *v2.ResourceId) bool {
	_, _, err := c.Lookup.Resource(ctx, of)
	return status.Code(err) == codes.NotFound
}
