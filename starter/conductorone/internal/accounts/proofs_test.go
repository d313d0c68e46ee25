package accounts_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/accounts"
)

const noProof = "and the ledger has no proof of it"

// A person who reaches Temporal can give a workflow any result: an account is created, there already or deleted, and a
// role is in force, if the ledger proves it.
func TestForgedResults(t *testing.T) {
	t.Parallel()
	forged := func(o requestrecord.Observation) *fakeRequests {
		return &fakeRequests{forged: true, answers: []requestrecord.Observation{o}}
	}
	for name, o := range map[string]requestrecord.Observation{
		"created":       ended(wire.StateProvisioned, "", created(ana)),
		"there already": ended(wire.StateProvisioned, "", about(ana)),
	} {
		out, err := createUser(t, forged(o), userProfile())
		require.Nil(t, out, name)
		requireCode(t, codes.FailedPrecondition, err, "Temporal says that provision/c1-", "is provisioned, "+noProof)
	}
	err := deleteUser(forged(ended(wire.StateOffboarded, "", nil)), seen("700"))
	requireCode(t, codes.FailedPrecondition, err, "Temporal says that offboard/c1-", "is offboarded, "+noProof)
	state, out := invoke(t, forged(running(wire.StateActive, "")), nil, accounts.GrantForAction, grantForArgs())
	require.Equal(t, failed, state)
	require.Contains(t, out["error"], "is active, "+noProof)
}

// A proof that the account could not be created is none of an account.
func TestCreate_ProofOfNothing(t *testing.T) {
	t.Parallel()
	nothing := &access.Receipt{Proofs: []access.Proof{{Op: access.OpCreate, Outcome: access.NotApplied}}}
	_, err := createUser(t, &fakeRequests{
		answers: []requestrecord.Observation{ended(wire.StateProvisioned, "", nothing)},
	}, userProfile())
	requireCode(t, codes.FailedPrecondition, err, noProof)
}

// A true proof of another request is none of this one.
func TestProofOfAnother(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{
		answers: []requestrecord.Observation{ended(wire.StateProvisioned, "", created(ana))},
		tamper:  func(p *access.Plan) { p.Role.Name = "Admin" },
	}
	_, err := createUser(t, r, userProfile())
	requireCode(t, codes.FailedPrecondition, err, noProof)
	r.answers = []requestrecord.Observation{ended(wire.StateOffboarded, "", nil)}
	r.tamper = func(p *access.Plan) { p.Principal.ID = "701" }
	requireCode(t, codes.FailedPrecondition, deleteUser(r, seen("700")), noProof)
}
