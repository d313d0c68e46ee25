package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// stopInput is a message of carol, who signs it if the test has her key.
func (d *signedFixture) stopInput(action string) wire.StopActivityInput {
	d.t.Helper()
	in := wire.StopActivityInput{
		Request: wire.RequestInfo{ID: "grant/1", Run: "run", StartedAt: d.now},
		Stop:    access.Stop{At: d.now, Action: action, By: "carol@example.com", SignedAt: d.now.Add(-time.Minute)},
	}
	in.Stop.Signature = d.sign("carol@example.com", signing.OfStop(in.Request.ID, in.Request.Run, in.Stop))
	return in
}

func (d *grantFixture) stop(in wire.StopActivityInput) wire.StopResult {
	d.t.Helper()
	out, err := executeActivity[wire.StopResult](d, wire.StopActivity, in)
	require.NoError(d.t, err)
	return out
}

// recordedStops are the entries about who stops the request.
func (d *grantFixture) recordedStops(request string) []ledger.Stop {
	d.t.Helper()
	entries, err := d.store.LedgerOf(d.t.Context(), d.client.Console(), request)
	require.NoError(d.t, err)
	var out []ledger.Stop
	for _, e := range entries {
		if e.Kind == ledger.KindStop {
			body, err := ledger.DecodeAs[ledger.Stop](e)
			require.NoError(d.t, err)
			out = append(out, body)
		}
	}
	return out
}

// Without allowed signers the name is recorded as claimed; with them an unsigned message, one
// of another person's key and one about another action are refused, and recorded.
func TestStop_MustBeSigned(t *testing.T) {
	t.Parallel()
	for _, action := range []string{signing.KindCancel, signing.KindEnd} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			d := newSignedFixture(t)
			in := d.stopInput(action)
			got := d.stop(in)
			require.Equal(t, wire.StopResult{Signed: d.keys["carol@example.com"].Fingerprint()}, got)
			require.Equal(t, got, d.stop(in), "repeated, it has the same answer")

			unsigned := in
			unsigned.Stop.Signature = ""
			require.Contains(t, d.stop(unsigned).Refusal, "a signature is required: "+action)
			forged := in
			forged.Stop.By = "bob@example.com"
			require.Contains(t, d.stop(forged).Refusal, "invalid signature")
			again := in
			again.Request.Run = "another run"
			require.Contains(t, d.stop(again).Refusal, "invalid signature")

			all := d.recordedStops("grant/1")
			require.Len(t, all, 4)
			require.Empty(t, all[0].Refusal)
			require.Equal(t, in.Stop.Signature, all[0].Signature)
			for _, refused := range all[1:] {
				require.NotEmpty(t, refused.Refusal)
				require.Equal(t, access.Unsigned, refused.Signed)
			}
		})
	}
	d := newGrantFixture(t, consoletest.Options{})
	in := wire.StopActivityInput{
		Request: wire.RequestInfo{ID: "grant/1", Run: "run"}, Stop: access.Stop{At: d.now, Action: "end", By: "carol"},
	}
	require.Equal(t, wire.StopResult{Signed: access.Unsigned}, d.stop(in))
	require.Len(t, d.recordedStops("grant/1"), 1)
}

// A request that began with signatures required waits where the worker has no signers any
// more: for stops, for decisions and for later plans. It is never continued on claims.
func TestSigned_NeverDowngraded(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	in := d.signedInput()
	planned := d.plan(in)
	require.True(t, planned.SignaturesRequired)
	signers := d.request.signers
	d.request.CheckingSignatures(nil)
	waits := func(err error) {
		t.Helper()
		require.False(t, attempttest.ApplicationError(t, err).NonRetryable())
		require.ErrorContains(t, err, "signatures are required on "+in.Request.ID+" since it began")
	}
	_, err := executeActivity[wire.StopResult](d.grantFixture, wire.StopActivity, wire.StopActivityInput{
		Request: in.Request, Stop: access.Stop{At: d.now, Action: "end", By: "carol@example.com"},
	})
	waits(err)
	_, err = executeActivity[wire.DecideResult](d.grantFixture, wire.DecideActivity, wire.DecideInput{
		Request: in.Request, Decision: access.Decision{
			At: d.now, By: "carol@example.com", Action: signing.KindApprove, PlanHash: planned.Plan.Hash,
		},
	})
	waits(err)
	again := in
	again.Round, again.Signature, again.Policy = 1, nil, planned.Plan.Approval.Hash
	_, err = executeActivity[wire.PlanResult](d.grantFixture, wire.PlanActivity, again)
	waits(err)
	_, err = executeActivity[wire.PlanResult](d.grantFixture, wire.PlanActivity, in)
	waits(err)
	require.Equal(t, []ledger.Kind{ledger.KindSignature, ledger.KindRequest}, d.ledger(in.Request.ID))

	d.request.CheckingSignatures(signers)
	require.True(t, d.plan(again).SignaturesRequired)
}

// A later plan of a request that has no first one on record is refused: nobody has signed it.
func TestPlan_LaterRoundNeedsTheFirst(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	in := d.signedInput()
	in.Round, in.Signature = 1, nil
	require.Contains(t, d.refusal(in), "has no first plan")
}
