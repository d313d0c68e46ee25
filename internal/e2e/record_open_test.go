//go:build record

package e2e

import (
	"path/filepath"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// testKeys is the file of payload keys, at the root of the module, that encrypt histories named
// encrypted_…: the replay test reads it too.
const testKeys = "workflows/testdata/payload-keys-for-tests"

// encryptWithTestKeys has the worker, the commands and the client encrypt payloads.
func (s *stack) encryptWithTestKeys() {
	s.t.Helper()
	root, err := testbed.ModuleRoot()
	require.NoError(s.t, err)
	file := filepath.Join(root, testKeys)
	keys, err := codec.ReadKeys(file)
	require.NoError(s.t, err)
	s.client, err = s.temporal.ClientWithKeys(s.t.Context(), keys)
	require.NoError(s.t, err)
	s.t.Cleanup(s.client.Close)
	s.extraEnv = append(s.extraEnv, "PAYLOAD_KEYS_FILE="+file)
}

// recorded is the history of a workflow that has ended, or of one that is open and has no
// workflow task under way.
func (s *stack) recorded(id string, open bool) *historypb.History {
	s.t.Helper()
	if !open {
		h := history(s, id)
		require.Contains(s.t, closingEvents, h.Events[len(h.Events)-1].EventType, "a history must have an end")
		return h
	}
	var h *historypb.History
	require.Eventually(s.t, func() bool {
		h = history(s, id)
		last := h.Events[len(h.Events)-1].EventType
		return last != enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED && last != enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED
	}, limit, 200*time.Millisecond)
	for _, e := range h.Events {
		require.NotContains(s.t, closingEvents, e.EventType, "it is open")
	}
	return h
}

// recordOpen records a request that has not ended.
func recordOpen(run func(*grantEnv) client.WorkflowRun) scenario {
	return func(s *stack) string { return run(prepareGrantEnv(s.t, s)).GetID() }
}

// recordOpenWriter records the writer of the user's roles while it has leases, and nothing else to
// do than is said.
func recordOpenWriter(busy bool, change func(*grantEnv)) scenario {
	return func(s *stack) string {
		r := prepareGrantEnv(s.t, s)
		change(r)
		id := wire.PrincipalID(s.consoleKey(), r.user.Kind, r.user.ID)
		require.Eventually(s.t, func() bool {
			value, err := s.client.QueryWorkflow(s.ctx(), id, "", wire.StatusQuery)
			var got wire.PrincipalStatus
			return err == nil && value.Get(&got) == nil && got.Busy == busy
		}, limit, 100*time.Millisecond)
		return id
	}
}

var openGrantScenarios = map[string]scenario{
	"open_active": recordOpen(func(r *grantEnv) client.WorkflowRun { return r.startActive("", "8760h") }),
	"open_active_extended": recordOpen(func(r *grantEnv) client.WorkflowRun {
		run := r.startActive("", "1h")
		r.update(run, wire.ExtendUpdate, wire.ExtendInput{By: stopByBob.By, Duration: access.Duration(2 * time.Hour)})
		return run
	}),
	"open_scheduled": recordOpen(func(r *grantEnv) client.WorkflowRun {
		in := r.input("1h")
		in.StartAt = new(time.Now().Add(24 * time.Hour))
		run := r.startGrant("", in)
		r.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateScheduled })
		return run
	}),
	"open_planning": recordOpen(func(r *grantEnv) client.WorkflowRun {
		r.badGateway("", 0)
		run := r.startGrant("", r.input("1h"))
		require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 2, r.aboutUser))
		return run
	}),
	"open_applying": recordOpen(func(r *grantEnv) client.WorkflowRun {
		r.badGateway("PUT", 0)
		run := r.startGrant("", r.input("1h"))
		require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 2, r.aboutWrite))
		return run
	}),
	"open_releasing":           recordOpen(recordReleasing),
	"encrypted_open_active":    recordOpen(func(r *grantEnv) client.WorkflowRun { return r.startActive("", "8760h") }),
	"encrypted_open_releasing": recordOpen(recordReleasing),
	"encrypted_expired":        recordRequest(recordExpired),
}

// recordReleasing ends a grant while the console takes no changes.
func recordReleasing(r *grantEnv) client.WorkflowRun {
	run := r.startActive("", "1s")
	r.badGateway("PUT", 0)
	r.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateReleasing })
	require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 3, r.aboutWrite)) // the first is the grant
	return run
}

func (r *grantEnv) aboutWrite(q consoletest.Request) bool { return r.aboutUser(q) && q.Write() }

// openLeadsPolicy asks two leads, who have days.
const openLeadsPolicy = `
groups:
  leads: [carol@example.com, dave@example.com]
  bosses: [boss@example.com]
rules:
  - {name: extensions, for: [extend], decideWithin: 48h, approvals: [{need: 1, from: [leads]}]}
  - {name: revokes, for: [revoke], decideWithin: 48h, approvals: [{need: 1, from: [leads]}]}
  - name: grants
    permanent: true
    decideWithin: 72h
    remindEvery: 12h
    escalateAfter: 24h
    escalateTo: [bosses]
    approvals: [{need: 2, from: [leads]}]
`

// openApprovalScenarios follow openLeadsPolicy.
var openApprovalScenarios = map[string]scenario{
	"open_awaiting_approval": recordOpen((*grantEnv).startAwaitingApproval),
	"open_awaiting_second_approval": recordOpen(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.mustDecide(run, "approve", "carol@example.com")
		return run
	}),
	"open_awaiting_approval_again": recordOpen(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.mustDecide(run, "approve", "carol@example.com")
		r.setRolesByHand(r.viewer, r.world.Admin)
		r.mustDecide(run, "approve", "dave@example.com")
		r.untilStatus(run, isPlannedAgain)
		return run
	}),
	"open_extension_pending": recordOpen(func(r *grantEnv) client.WorkflowRun {
		run := r.startGrant("", r.input("24h"))
		r.untilStatus(run, isAwaitingApproval)
		r.mustDecide(run, "approve", "carol@example.com")
		r.mustDecide(run, "approve", "dave@example.com")
		r.untilStatus(run, isActive)
		answer := r.update(run, wire.ExtendUpdate, wire.ExtendInput{
			By: stopByBob.By, Duration: access.Duration(2 * time.Hour),
		})
		require.True(r.t, answer.Pending)
		return run
	}),
	"encrypted_open_awaiting_approval": recordOpen((*grantEnv).startAwaitingApproval),
}

// openReviewScenarios are reviewed within a day, and are not yet.
var openReviewScenarios = map[string]scenario{
	"open_in_review": recordOpen(func(r *grantEnv) client.WorkflowRun { return r.startInReview("4h") }),
	"open_in_review_permanent": recordOpen(func(r *grantEnv) client.WorkflowRun {
		return r.startInReview("")
	}),
	"open_review_after_the_end": recordOpen(func(r *grantEnv) client.WorkflowRun {
		run := r.startInReview("4h")
		r.update(run, wire.EndUpdate, stopByBob)
		return run
	}),
}

func (r *grantEnv) startInReview(duration string) client.WorkflowRun {
	r.t.Helper()
	run := r.startGrant("", r.breakGlassInput(duration))
	r.untilStatus(run, isInReview)
	return run
}

// openRevokeScenarios follow openLeadsPolicy.
var openRevokeScenarios = map[string]scenario{
	"open_awaiting_approval": recordOpen((*grantEnv).startRevokeAwaitingApproval),
}

// openUserScenarios follow openLeadsPolicy.
var openUserScenarios = map[string]scenario{
	"open_awaiting_approval": recordOpen(func(r *grantEnv) client.WorkflowRun {
		return (&accountEnv{grantEnv: r}).startUserAwaitingApproval()
	}),
}

var openWriterScenarios = map[string]scenario{
	"open_lease": recordOpenWriter(false, func(r *grantEnv) { r.startActive("", "8760h") }),
	"open_leases": recordOpenWriter(false, func(r *grantEnv) {
		run := r.startActive("/1", "1h")
		r.update(run, wire.ExtendUpdate, wire.ExtendInput{By: stopByBob.By, Duration: access.Duration(2 * time.Hour)})
		second := r.startGrant("/2", r.inputFor(r.user, r.world.Admin, "1s"))
		r.requireEnd(second, "expired", access.Released)
	}),
	"open_releasing": recordOpenWriter(true, func(r *grantEnv) { recordReleasing(r) }),
	"open_applying": recordOpenWriter(true, func(r *grantEnv) {
		r.badGateway("PUT", 0)
		r.startGrant("", r.input("1h"))
		require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 2, r.aboutWrite))
	}),
	"encrypted_open_lease": recordOpenWriter(false, func(r *grantEnv) { r.startActive("", "8760h") }),
}

var openSyncScenarios = map[string]scenario{
	"open_quarantined": recordQuarantined,
}
