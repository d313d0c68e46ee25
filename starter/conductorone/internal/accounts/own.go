package accounts

import (
	"context"

	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/evidence"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
)

// own is the record of the grant that a person of ConductorOne names. It fails unless the connector has requested it:
// ConductorOne does not tell who runs an action, and whoever may run one there has no say in other people's requests.
func (c *Config) own(ctx context.Context, what, typed string) (authority.Record, error) {
	for _, id := range requestclient.Candidates(typed, wire.GrantID("")) {
		runs, err := c.Ledger.Runs(ctx, id)
		if err != nil {
			return authority.Record{}, err
		}
		if len(runs) == 0 {
			continue
		}
		last := runs[len(runs)-1]
		if by := last.First.Plan.Terms.Requester; access.Fold(by) != access.Fold(c.Requester) {
			return last, explain.Newf(codes.PermissionDenied, "cannot %s %s: %s has requested it, and ConductorOne "+
				"only what %s has: use `starter %[1]s %[2]s`", what, id, describe.Text(by), c.Requester)
		}
		return last, nil
	}
	return authority.Record{}, explain.Newf(codes.FailedPrecondition, "cannot %s %s: the ledger has no such grant: "+
		"look for its id with `starter requests`", what, typed)
}

// awaitMore waits until the ledger has more of a run than before: claim is what Temporal says of it.
func (c *Config) awaitMore(
	ctx context.Context, of authority.Record, claim string, has func(authority.Record) bool,
) error {
	record, err := c.Ledger.Await(ctx, of.Run, has)
	if err == nil && !has(record) {
		err = evidence.Unproven(of.Run.Request, claim)
	}
	return err
}

// isReleased reports whether a run has released its access.
func isReleased(r authority.Record) bool {
	_, released := proofOf(r, access.OpRelease)
	return released
}
