package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

const shortIsFree = "groups: {soc: [carol@example.com, dora@example.com]}\n" +
	"rules:\n" +
	"  - {name: short, when: 'duration <= duration(\"4h\")', autoApprove: true, maxDuration: 4h}\n" +
	"  - {name: long, approvals: [{need: 1, from: [soc]}], maxDuration: 48h}\n"

// extendInput asks for that much more time on the grant that was planned.
func extendInput(
	in wire.PlanInput, plan access.Plan, now time.Time, by string, more time.Duration,
) wire.ExtendActivityInput {
	from := now.Add(4 * time.Hour)
	return wire.ExtendActivityInput{Request: in.Request, Extension: access.ExtensionRequest{
		PlanHash: plan.Hash, At: now, By: by, Duration: access.Duration(more), From: from, EndsAt: from.Add(more),
	}}
}

// The policy of the grant decides about the whole time: what it gave for 4 h without asking, it
// does not give for a day, nor for a year.
func TestExtend_PolicyDecidesOnTheWholeTime(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.followPolicy(policyOfText(t, shortIsFree))
	in := d.grantInput()
	in.Op, in.Terms.Duration = access.OpAcquire, access.Duration(4*time.Hour)
	in.Request.StartedAt = d.now
	plan := d.plan(in).Plan
	require.Empty(t, plan.Approval.Steps)
	d.followPolicy(policyOfText(t, oneOfSoc)) // the worker's present one does not matter

	ask := extendInput(in, plan, d.now, "bob@example.com", 20*time.Hour)
	got, err := executeActivity[wire.ExtendResult](d, wire.ExtendActivity, ask)
	require.NoError(t, err)
	require.Empty(t, got.Refusal)
	require.Equal(t, []string{"carol@example.com", "dora@example.com"}, got.Extension.Approval.Steps[0].People)
	require.Equal(t, got.Extension.Seal().Hash, got.Extension.Hash)
	again, err := executeActivity[wire.ExtendResult](d, wire.ExtendActivity, ask)
	require.NoError(t, err)
	require.Equal(t, got, again)

	got, err = executeActivity[wire.ExtendResult](d, wire.ExtendActivity,
		extendInput(in, plan, d.now, "bob@example.com", 366*24*time.Hour))
	require.NoError(t, err)
	require.Contains(t, got.Refusal, `rule "long" allows at most 48h`)
	require.Contains(t, d.ledger(in.Request.ID), ledger.KindExtensionRequest)
}

// With allowed signers, an extension is asked for with a signature over the end that results.
func TestExtend_MustBeSigned(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	in := d.signedInput()
	plan := d.plan(in).Plan
	ask := extendInput(in, plan, d.now, "carol@example.com", time.Hour)
	got, err := executeActivity[wire.ExtendResult](d.grantFixture, wire.ExtendActivity, ask)
	require.NoError(t, err)
	require.Contains(t, got.Refusal, "a signature is required: extend with `starter extend`")

	ask.Extension.At = d.now.Add(time.Second)
	ask.Extension.SignedAt = d.now
	x := ask.Extension
	x.Request, x.Run = in.Request.ID, in.Request.Run
	ask.Extension.Signature = d.sign("carol@example.com", signing.OfExtension(x))
	more := ask
	more.Extension.EndsAt = x.EndsAt.Add(time.Hour)
	got, err = executeActivity[wire.ExtendResult](d.grantFixture, wire.ExtendActivity, more)
	require.NoError(t, err)
	require.Contains(t, got.Refusal, "invalid signature")
	got, err = executeActivity[wire.ExtendResult](d.grantFixture, wire.ExtendActivity, ask)
	require.NoError(t, err)
	require.Equal(t, d.keys["carol@example.com"].Fingerprint(), got.Extension.Signed)
}
