package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/wire"
)

// accountHelp says which approvals a new account needs.
const accountHelp = `It needs the approvals of a permanent grant of the role (without a policy file: one, by
anyone but the requester, within 72 h), given with ` + "`starter approve`" + `; --dry-run lists the
approvers. If the request is denied or times out, nothing is created and the exit code is 1.`

// accountFlags are those of a request that creates an account.
func (o *requestOptions) accountFlags(cmd *cobra.Command) {
	o.placeFlags(cmd, "")
	o.recordFlags(cmd)
}

// accountSpec reads the flags of a request that creates an account.
func (p *app) accountSpec(ctx context.Context, o requestOptions) (w requestSpec, err error) {
	if w, err = p.record(o, wire.ProvisionID("")); err != nil {
		return w, err
	}
	w.role, w.scope, err = p.roleAndScope(ctx, o.selectorFlags, "")
	return w, err
}

// startRequest is a request that is followed until it has ended. Temporal stores its
// summary unencrypted.
func (o *requestOptions) startRequest(kind, id string, input requestclient.Input, summary string) startRequest {
	return startRequest{
		NewRequest: requestclient.NewRequest{Type: kind, ID: id, Input: input, Summary: summary},
		sign:       o.signOptions,
		wait:       o.wait, dryRun: o.dryRun, chosen: o.id != "",
		settled: func(wire.RequestStatus) bool { return false },
	}
}

// createdFacts say which account was created, and where the worker keeps its token.
func createdFacts(proofs []access.Proof) [][]string {
	var out [][]string
	for _, proof := range proofs {
		if proof.Made != nil {
			out = append(out, []string{"created", describe.Principal(*proof.Made)})
		}
		if t := proof.Token; t != nil {
			out = append(out, []string{"token", tokenPlace(*t) + ", expires at " + describe.Second(t.ExpiresAt)})
		}
	}
	return out
}

// tokenPlace says where a token is.
func tokenPlace(t access.TokenPlace) string {
	switch {
	case t.Sink == access.SinkOwnFile:
		return "in the worker's own token file, and in use"
	case t.Sink == access.SinkRecipient:
		return "encrypted to the recipient that the request names"
	case t.Path != "":
		return t.Path + " in the worker's SERVICE_USER_TOKEN_DIR"
	}
	return "passed to the worker's SERVICE_USER_TOKEN_COMMAND"
}
