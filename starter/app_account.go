package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// accountHelp says whose consent a new account needs.
const accountHelp = `It needs the consent that a grant of the role for good would (without a policy file: one yes,
by anyone but the requester, within 72 h), which others give with ` + "`starter approve`" + `; --dry-run
says whose. Denied, or undecided in time, nothing is made and it exits 1.`

// accountFlags are those of a request that makes somebody.
func (o *requestOptions) accountFlags(cmd *cobra.Command) {
	o.placeFlags(cmd, "")
	o.recordFlags(cmd)
}

// accountWish reads the flags of a request that makes somebody.
func (p *app) accountWish(ctx context.Context, o requestOptions) (w requestSpec, err error) {
	if w, err = p.record(o, wire.ProvisionID("")); err != nil {
		return w, err
	}
	w.role, w.scope, err = p.roleAndScope(ctx, o.selectorFlags, "")
	return w, err
}

// order is a request that is waited for until it has ended. Its summary is not
// encrypted.
func (o *requestOptions) order(kind, id string, input requestInput, summary string) startRequest {
	return startRequest{
		kind: kind, id: id, input: input, sign: o.signOptions, summary: summary,
		wait: o.wait, dryRun: o.dryRun, chosen: o.id != "",
		settled: func(wire.RequestStatus) bool { return false },
	}
}

// madeFacts say who was made, and where the token went that nobody else has.
func madeFacts(proofs []access.Proof) [][]string {
	var out [][]string
	for _, proof := range proofs {
		if proof.Made != nil {
			out = append(out, []string{"made", describe.Principal(*proof.Made)})
		}
		if t := proof.Token; t != nil {
			text := "given to the worker's SERVICE_USER_TOKEN_COMMAND"
			if t.Path != "" {
				text = t.Path + " in the worker's SERVICE_USER_TOKEN_DIR"
			}
			out = append(out, []string{"token", text + ", ends at " + describe.Second(t.ExpiresAt)})
		}
	}
	return out
}
