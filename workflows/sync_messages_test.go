package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// A decision needs a name, and fields that are not known are refused; the sync
// keeps waiting for a valid one.
func TestSync_RefusesMalformedDecisions(t *testing.T) {
	t.Parallel()
	for _, update := range []string{"confirm", "discard"} {
		t.Run(update, func(t *testing.T) {
			t.Parallel()
			s := quarantineScene(t)
			s.discards(wire.SyncDiscardInput{By: bob, Why: "discarded by " + bob})
			missing := s.send(time.Minute, update, map[string]any{})
			blank := s.send(2*time.Minute, update, by("  \t"))
			unknown := s.send(3*time.Minute, update, map[string]any{"by": ana, "why": "sure"})
			good := s.send(time.Hour, "discard", by(bob))

			s.sync("users")

			requireRefused(t, missing.rejected, `"by" is missing`)
			requireRefused(t, blank.rejected, `"by" is missing`)
			require.ErrorContains(t, unknown.rejected, `unknown field "why"`)
			for _, r := range []*reply{missing, blank, unknown} {
				require.False(t, r.accepted)
			}
			require.NoError(t, good.err)
			require.Equal(t, bob, good.decided.By)
		})
	}
}

// There is nothing to decide about a sync that is not quarantined.
func TestSync_RefusesADecisionBeforeTheQuarantine(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	one := []access.Collection{access.Users}
	s.opens(one...)
	s.drains(access.Users, 1, new(20), "").After(time.Hour)
	s.settles(wire.SyncSettleInput{Collections: one}, promoted()).After(time.Hour)
	draining := s.send(time.Minute, "confirm", by(ana))
	settling := s.send(90*time.Minute, "discard", by(ana))

	s.sync("users")

	require.Equal(t, "promoted", s.result().State)
	requireRefused(t, draining.rejected, "nothing to decide: this sync is not quarantined, its state is draining")
	requireRefused(t, settling.rejected, "its state is settling")
}

// The first decision counts; a second one is refused and names the first.
func TestSync_RefusesASecondDecision(t *testing.T) {
	t.Parallel()
	s := quarantineScene(t)
	s.on(wire.SyncPromoteActivity, promoteInput()).After(time.Hour).Return(promoted(), nil).Once()
	first := s.send(time.Minute, "confirm", by(ana))
	second := s.send(2*time.Minute, "discard", by(bob))
	same := s.send(3*time.Minute, "confirm", by(ana))

	s.sync("users")

	require.Equal(t, "promoted", s.result().State)
	require.NoError(t, first.err)
	requireRefused(t, second.rejected, "ana@example.com has already decided: confirm")
	requireRefused(t, same.rejected, "ana@example.com has already decided: confirm")
}

// Two decisions in the same moment: one is carried out, the other is refused.
func TestSync_TwoDecisionsAtOnce(t *testing.T) {
	t.Parallel()
	s := quarantineScene(t)
	s.on(wire.SyncPromoteActivity, promoteInput()).Return(promoted(), nil).Once()
	first := s.send(time.Minute, "confirm", by(ana))
	second := s.send(time.Minute, "discard", by(bob))

	s.sync("users")

	require.Equal(t, "promoted", s.result().State)
	require.Equal(t, "promoted", first.decided.State)
	refusal := second.rejected
	if second.accepted {
		refusal = second.err
	}
	requireRefused(t, refusal, "ana@example.com has already decided")
}

func TestSyncID(t *testing.T) {
	t.Parallel()
	require.Equal(t, "sync/acmeco.sentinelone.net", wire.SyncID(host))
}

// Who started a sync does not confirm it, and may discard it. A decision is recorded, with its
// signature, before it is carried out.
func TestSync_StarterDoesNotConfirm(t *testing.T) {
	t.Parallel()
	s := quarantineScene(t)
	promote := promoteInput()
	promote.By = bob
	s.on(wire.SyncPromoteActivity, promote).Return(promoted(), nil).Once()
	own := s.send(time.Minute, "confirm", by("ANA@example.com"))
	signed := by(ana)
	signed.By = bob
	signed.Sign("armored", began)
	other := s.send(2*time.Minute, "confirm", signed)
	s.ExecuteWorkflow(wire.SyncType, wire.SyncInput{Collections: []string{"users"}, By: ana})
	require.NoError(t, own.rejected)
	requireRefused(t, own.err, "ANA@example.com started this sync: somebody else must confirm it")
	require.Equal(t, "promoted", other.decided.State)
	require.Len(t, s.decisions, 2)
	require.Equal(t, access.Stop{
		At: began.Add(2 * time.Minute), Action: "confirm", By: bob, Signed: access.Unsigned,
		Signature: "armored", SignedAt: began,
	}, s.decisions[1].Stop)
	require.Equal(t, snapshot, s.decisions[1].Request.Run)
}

// A confirmation that the policy finds not to be enough leaves the sync quarantined, and the
// next person may still confirm or discard it.
func TestSync_OneOfTwoConfirms(t *testing.T) {
	t.Parallel()
	const missing = "for 1 of 2 from owners"
	for second, state := range map[string]string{"confirm": "promoted", "discard": "quarantined"} {
		t.Run(second, func(t *testing.T) {
			t.Parallel()
			s := quarantineScene(t)
			s.pending = map[string]string{ana: missing}
			promote := promoteInput()
			promote.By = bob
			s.on(wire.SyncPromoteActivity, promote).Return(promoted(), nil).Maybe()
			s.on(wire.SyncDiscardActivity, mock.Anything).Return(nil).Maybe()
			first := s.send(time.Minute, "confirm", by(ana))
			s.at(2*time.Minute, func() {
				require.Equal(t, "quarantined", s.status().State)
				require.Contains(t, s.status().Warnings, "confirmed by ana@example.com; it waits "+missing)
			})
			then := s.send(3*time.Minute, second, by(bob))
			s.ExecuteWorkflow(wire.SyncType, wire.SyncInput{Collections: []string{"users"}, By: "carol@example.com"})
			require.NoError(t, first.err)
			require.Equal(t, wire.QuarantineAnswer{
				Snapshot: snapshot, Decision: "confirm", By: ana, State: "quarantined", Pending: missing,
			}, first.decided)
			require.NoError(t, then.err)
			require.Equal(t, state, then.decided.State)
			require.Equal(t, "carol@example.com", s.decisions[0].StartedBy)
		})
	}
}
