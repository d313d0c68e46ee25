package accounts_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/accounts"
	"sentinelone-provisioner/starter/conductorone/internal/storetest"
)

// ledgerOf has grant/INC-42, which a person has requested and which has those proofs.
func ledgerOf(t *testing.T, by string, proofs ...access.Proof) *fakeRequests {
	t.Helper()
	r, err := storetest.Record(ledger.Run{Request: "grant/INC-42", ID: "run"}, access.Plan{
		Op: access.OpAcquire, Principal: ana, Terms: access.Terms{Requester: by},
	}, proofs...)
	require.NoError(t, err)
	return &fakeRequests{earlier: []authority.Record{r}}
}

// People of ConductorOne extend and end what ConductorOne has requested, and nothing else.
func TestExtendAndEnd_OfOthers(t *testing.T) {
	t.Parallel()
	args := map[string]any{"request": "INC-42", "duration": "2h"}
	for _, name := range []string{accounts.ExtendAction, accounts.EndAction} {
		u := &fakeUpdates{}
		state, out := invoke(t, ledgerOf(t, "bob@example.com"), u, name, args)
		require.Equal(t, failed, state)
		require.Contains(t, out["error"], "cannot "+name+" grant/INC-42: bob@example.com has requested it")
		require.Contains(t, out["error"], "use `starter "+name+" grant/INC-42`")
		require.Empty(t, u.typed, "nothing was sent")

		state, out = invoke(t, &fakeRequests{}, u, name, args)
		require.Equal(t, failed, state)
		require.Contains(t, out["error"], "the ledger has no such grant")
		require.Empty(t, u.typed)
	}
}

// Who has requested the last run of a grant decides, and the name counts as people know it, not as it is written.
func TestExtendAndEnd_LastRequester(t *testing.T) {
	t.Parallel()
	args := map[string]any{"request": "INC-42", "duration": "2h"}
	r := ledgerOf(t, requester)
	r.earlier = append(r.earlier, ledgerOf(t, "bob@example.com").earlier...)
	u := &fakeUpdates{}
	for _, name := range []string{accounts.ExtendAction, accounts.EndAction} {
		state, out := invoke(t, r, u, name, args)
		require.Equal(t, failed, state)
		require.Contains(t, out["error"], "bob@example.com has requested it")
	}
	require.Empty(t, u.typed, "nothing was sent")

	u.answer = wire.RequestAnswer{State: wire.StateActive, Pending: true}
	state, out := invoke(t, ledgerOf(t, strings.ToUpper(requester)), u, accounts.ExtendAction, args)
	require.Equal(t, complete, state, out)
	require.NotEmpty(t, u.typed)
}

// A person who reaches Temporal can have any answer come back.
func TestExtendAndEnd_Forged(t *testing.T) {
	t.Parallel()
	args := map[string]any{"request": "INC-42", "duration": "2h"}
	for name, said := range map[string]wire.RequestAnswer{
		accounts.ExtendAction: {State: wire.StateActive},
		accounts.EndAction:    {State: wire.StateEnded, Outcome: access.Released},
	} {
		state, out := invoke(t, ledgerOf(t, requester), &fakeUpdates{answer: said}, name, args)
		require.Equal(t, failed, state, name)
		require.Contains(t, out["error"], "Temporal says that grant/INC-42 is e")
		require.Contains(t, out["error"], noProof)
	}
}
