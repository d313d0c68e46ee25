package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	connectionactivities "sentinelone-provisioner/activities/connection"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

const connected = `{"label":"Connected"}`

// connectionEnv runs workflow Connection with checks that the test answers.
type connectionEnv struct {
	*testEnv

	checks []time.Duration // when, since the start
	every  time.Duration
	fails  error
}

func newConnection(t *testing.T) *connectionEnv {
	t.Helper()
	c := &connectionEnv{testEnv: newTestEnv(t), every: 5 * time.Minute}
	connectionactivities.New(nil, nil, 0).Register(c)
	c.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: wire.ConnectionID(host), TaskQueue: "sentinelone"})
	c.on(wire.ConnectionCheckActivity, mock.Anything).
		Return(func(_ context.Context, in wire.ConnectionCheckInput) (wire.ConnectionCheckResult, error) {
			require.Equal(t, host, in.Console)
			c.checks = append(c.checks, c.Now().Sub(began))
			return wire.ConnectionCheckResult{
				Report: json.RawMessage(connected), Every: access.Duration(c.every),
			}, c.fails
		}).Maybe()
	return c
}

func (c *connectionEnv) run() {
	c.ExecuteWorkflow(wire.ConnectionType, wire.ConnectionInput{Console: host})
}

// goesOn is what the workflow continues as new with, which it must.
func (c *connectionEnv) goesOn() (wire.ConnectionInput, workflow.ContinueAsNewVersioningBehavior) {
	c.t.Helper()
	var again *workflow.ContinueAsNewError
	require.ErrorAs(c.t, c.GetWorkflowError(), &again)
	require.Equal(c.t, wire.ConnectionType, again.WorkflowType.Name)
	var next wire.ConnectionInput
	require.NoError(c.t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	return next, again.InitialVersioningBehavior
}

func (c *connectionEnv) status() wire.ConnectionStatus {
	c.t.Helper()
	value, err := c.QueryWorkflow(wire.StatusQuery)
	require.NoError(c.t, err)
	var out wire.ConnectionStatus
	require.NoError(c.t, value.Get(&out))
	return out
}

// It checks at once and then at the worker's pace. Its history is bounded, and the next run knows what this one did.
func TestConnection_ChecksOnATimer(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	var amid wire.ConnectionStatus
	c.RegisterDelayedCallback(func() { amid = c.status() }, 7*time.Minute)
	c.run()
	require.Len(t, c.checks, 100)
	require.Equal(t, []time.Duration{0, 5 * time.Minute, 10 * time.Minute}, c.checks[:3])
	require.JSONEq(t, connected, string(amid.Report))
	require.Equal(t, began.Add(10*time.Minute), *amid.NextCheckAt)
	next, behavior := c.goesOn()
	require.Equal(t, host, next.Console)
	require.JSONEq(t, connected, string(next.Last.Report))
	require.EqualValues(t, workflow.ContinueAsNewVersioningBehaviorUnspecified, behavior)

	again := newConnection(t)
	again.fails = errors.New("the disk is full")
	again.RegisterDelayedCallback(func() { amid = again.status() }, time.Second)
	again.ExecuteWorkflow(wire.ConnectionType, next)
	require.JSONEq(t, connected, string(amid.Report), "until the first check of the next run that succeeds")
	require.Contains(t, amid.Fault, "the disk is full")
}

// A pace out of bounds is put within them: whoever starts the workflow cannot flood the console, and a report is never
// left to grow too old.
func TestConnection_PaceIsBounded(t *testing.T) {
	t.Parallel()
	for every, want := range map[time.Duration]time.Duration{
		time.Millisecond: 30 * time.Second, time.Minute: time.Minute, 24 * time.Hour: 10 * time.Minute,
	} {
		c := newConnection(t)
		c.every = every
		c.run()
		require.Equal(t, want, c.checks[1], "%s", every)
	}
}

// A signal has the check made earlier, many count as one, and none of them makes two checks within half a minute.
func TestConnection_Signals(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	signal := func(at time.Duration, payload any) {
		c.RegisterDelayedCallback(func() { c.SignalWorkflow(wire.CheckSignal, payload) }, at)
	}
	signal(time.Minute, nil)
	for range 20 {
		signal(time.Minute+10*time.Second, strings.Repeat("x", 1000))
	}
	c.run()
	require.Equal(t, []time.Duration{0, time.Minute, 90 * time.Second, 6*time.Minute + 30*time.Second}, c.checks[:4])
}

// A check that fails is seen, and made again. One that cannot succeed here is not made every minute.
func TestConnection_FailedChecks(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	c.fails = errors.New("the disk is full")
	c.RegisterDelayedCallback(func() {
		require.Contains(t, c.status().Fault, "the disk is full")
		require.Equal(t, began.Add(2*time.Minute), *c.status().NextCheckAt)
		c.fails = nil
	}, 90*time.Second)
	c.RegisterDelayedCallback(func() { require.Empty(t, c.status().Fault) }, 121*time.Second)
	c.run()
	require.Equal(t, []time.Duration{0, time.Minute, 2 * time.Minute, 7 * time.Minute}, c.checks[:4])

	c = newConnection(t)
	c.fails = temporal.NewNonRetryableApplicationError("another console", "Conflict", nil)
	c.run()
	require.Equal(t, []time.Duration{0, 10 * time.Minute}, c.checks[:2])
}

// Where the worker makes no checks, the workflow ends.
func TestConnection_Off(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	c.every = 0
	c.run()
	require.NoError(t, c.GetWorkflowError())
	require.Len(t, c.checks, 1)
}

func TestConnection_Cancelled(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	c.RegisterDelayedCallback(c.CancelWorkflow, 7*time.Minute)
	c.run()
	require.True(t, temporal.IsCanceledError(c.GetWorkflowError()))
	require.Len(t, c.checks, 2)
}

// A new build of the worker takes over after the next check.
func TestConnection_MovesToANewBuild(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	c.RegisterDelayedCallback(func() { c.SetTargetWorkerDeploymentVersionChanged(true) }, 12*time.Minute)
	c.run()
	require.Len(t, c.checks, 3)
	_, behavior := c.goesOn()
	require.EqualValues(t, workflow.ContinueAsNewVersioningBehaviorAutoUpgrade, behavior)

	c = newConnection(t)
	c.RegisterDelayedCallback(func() { c.SetContinueAsNewSuggested(true) }, 12*time.Minute)
	c.run()
	require.Len(t, c.checks, 3)
}

func TestConnection_BadInput(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"konsole":"x"}`: "input is not understood",
		`{"console":"` + strings.Repeat("x", 301) + `"}`:                     "console is 301 bytes long",
		`{"last":{"report":"` + strings.Repeat("x", 70_000) + `"}}`:          "last.report is 70002 bytes long",
		`{"console":"acmeco.sentinelone.net","every":"1ms","last":{"x":[]}}`: "input is not understood",
	} {
		c := newConnection(t)
		c.ExecuteWorkflow(wire.ConnectionType, json.RawMessage(text))
		require.ErrorContains(t, c.GetWorkflowError(), want)
		require.Empty(t, c.checks)
	}
}
