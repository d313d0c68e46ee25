package e2e

import (
	"net/http"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/starter/conductorone/internal/c1test"
)

// Two tasks for the same grant join one request, which is applied once. What is held already needs no approval.
func TestC1_GrantTwiceJoinsOneRequest(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, approvalPolicy)
	e.connect()
	seen := e.synced()
	first := e.c1.Queue(e.grant(seen, e.ana))
	id := e.pending(1)[0]
	second := first.Again()
	e.untilDryRuns(2)
	e.decide("approve", id)

	for _, task := range []*c1test.Task{first, second} {
		got := e.end(task)
		require.True(t, got.Succeeded(), got.Message())
		var response v2.GrantManagerServiceGrantResponse
		got.Response(t, &response)
		require.Len(t, response.GetGrants(), 1)
		require.Equal(t, e.entitlementOf(seen, e.requested).GetId()+":user:"+e.ana.ID, response.GetGrants()[0].GetId())
	}
	require.True(t, e.holds(e.ana))
	require.Equal(t, 1, e.requests())
	require.Equal(t, 1, e.writes())

	third := e.end(first.Again())
	require.True(t, third.Succeeded(), third.Message())
	require.True(t, third.Annotation(t, &v2.GrantAlreadyExists{}))
	require.Equal(t, 1, e.requests())
}

// untilDryRuns waits until that many dry runs have ended: a task looks before it asks.
func (e *c1Env) untilDryRuns(n int) {
	e.t.Helper()
	require.Eventually(e.t, func() bool {
		return e.count(`WorkflowId STARTS_WITH "grant/dry-run-" AND ExecutionStatus != "Running"`) >= n
	}, limit, pollEvery)
}

// writes counts the requests to the console that changed roles.
func (e *c1Env) writes() (n int) {
	for _, r := range e.console.Requests() {
		if r.Method == http.MethodPut {
			n++
		}
	}
	return n
}

// A denial is a decline to ConductorOne, with who and why, and ends that request only: the next one begins anew.
func TestC1_Decline(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, approvalPolicy)
	e.connect()
	task := e.c1.Queue(e.grant(e.synced(), e.ana))
	id := e.pending(1)[0]
	e.decide("deny", id, "--comment", "not before the audit")
	got := e.end(task)
	reason, is := got.Declined()
	require.True(t, is, got.Message())
	for _, part := range []string{id, "denied by carol@example.com", "not before the audit"} {
		require.Contains(t, reason, part)
	}
	require.Equal(t, codes.FailedPrecondition, got.Code())
	require.True(t, got.Final())
	e.requireSentence(got)
	require.False(t, e.holds(e.ana))

	again := task.Again()
	require.Equal(t, id, e.pending(1)[0])
	require.False(t, again.Finished(), "one denial is not the pair's for ever")
	e.decide("approve", id)
	got = e.end(again)
	require.True(t, got.Succeeded(), got.Message())
	require.True(t, e.holds(e.ana))
}

// Ten grants that wait for an approval hold up neither a sync nor a revoke. Those without a place to wait answer at
// once what to do, and find the role held when they are tried again.
func TestC1_WaitingGrantsHoldUpNothing(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, approvalPolicy)
	e.connect()
	seen := e.synced()
	var waiting []*c1test.Task
	for _, p := range e.console.Truth().Principals {
		if p.Kind == access.User && !e.holds(p) && p.ID != e.ana.ID {
			waiting = append(waiting, e.c1.Queue(e.grant(seen, p)))
		}
	}
	require.Len(t, waiting, crowd)
	e.pending(crowd)

	require.NotEmpty(t, e.synced().Grants)
	revoked := e.do(e.revoke(seen))
	require.True(t, revoked.Succeeded(), revoked.Message())
	require.False(t, e.holds(e.bob))
	ids := e.pending(crowd)
	open := 0
	for _, task := range waiting {
		if !task.Finished() {
			open++
			continue
		}
		e.requireSentence(e.end(task), "waits", "starter approve grant/c1-", "press Retry failed provisioning")
	}
	require.Equal(t, 8, open, "tasks that wait, of the connector's ten")

	for _, id := range ids {
		e.decide("approve", id)
	}
	for _, task := range waiting {
		got := e.end(task)
		if !got.Succeeded() {
			got = e.end(task.Again())
		}
		require.True(t, got.Succeeded(), got.Message())
	}
	require.Equal(t, crowd, e.requests())
}

// The connector is killed while a grant waits. It is approved meanwhile. Who presses "Retry" finds it held.
func TestC1_KilledWhileAGrantWaits(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, approvalPolicy)
	e.connect()
	task := e.c1.Queue(e.grant(e.synced(), e.ana))
	id := e.pending(1)[0]
	e.connector.Kill()
	e.decide("approve", id)
	require.Eventually(t, func() bool { return e.holds(e.ana) }, limit, pollEvery)
	require.False(t, task.Finished())

	e.connect()
	got := e.end(task.Again())
	require.True(t, got.Succeeded(), got.Message())
	require.True(t, got.Annotation(t, &v2.GrantAlreadyExists{}))
	require.Equal(t, 1, e.requests())
	require.Equal(t, 1, e.writes())
}

// A revoke twice removes the role once.
func TestC1_RevokeTwice(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, testbed.AutoApprove+"  - {name: revokes, for: [revoke], autoApprove: true}\n")
	e.connect()
	task := e.c1.Queue(e.revoke(e.synced()))
	got := e.end(task)
	require.True(t, got.Succeeded(), got.Message())
	require.False(t, e.holds(e.bob))
	got = e.end(task.Again())
	require.True(t, got.Succeeded(), got.Message())
	require.True(t, got.Annotation(t, &v2.GrantAlreadyRevoked{}))
	require.Equal(t, 1, e.writes())
}
