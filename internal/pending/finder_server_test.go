package pending_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/pending"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/workflows"
)

const (
	host  = "acmeco.example.net"
	queue = "pending"
	carol = "carol@example.com"

	patience = 4 * time.Minute // until a test calls something stuck
)

// countingClient counts the calls that a person waits for.
type countingClient struct {
	client.Client

	lists, queries atomic.Int64
}

func (c *countingClient) ListWorkflow(
	ctx context.Context, in *workflowservice.ListWorkflowExecutionsRequest,
) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	c.lists.Add(1)
	return c.Client.ListWorkflow(ctx, in)
}

func (c *countingClient) QueryWorkflow(
	ctx context.Context, id, run, kind string, args ...any,
) (converter.EncodedValue, error) {
	c.queries.Add(1)
	return c.Client.QueryWorkflow(ctx, id, run, kind, args...)
}

// server is a Temporal server with a worker whose grants only answer their status, which is their
// input.
type server struct {
	*countingClient

	t *testing.T
}

func newServer(t *testing.T, attributes bool) *server {
	t.Helper()
	dev, err := testbed.StartDevServer(t.Context(), "")
	require.NoError(t, err)
	t.Cleanup(dev.Stop)
	c, err := client.Dial(client.Options{
		HostPort: dev.Address, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	if attributes {
		_, err := temporalclient.AddSearchAttributes(t.Context(), c, "default", workflows.SearchAttributes())
		require.NoError(t, err)
	}
	w := worker.New(c, queue, worker.Options{DeadlockDetectionTimeout: patience})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context, s wire.RequestStatus) error {
		err := workflow.SetQueryHandler(ctx, wire.StatusQuery, func() (wire.RequestStatus, error) { return s, nil })
		if err == nil {
			workflow.GetSignalChannel(ctx, "end").Receive(ctx, nil)
		}
		return err
	}, workflow.RegisterOptions{Name: wire.GrantType})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	return &server{countingClient: &countingClient{Client: c}, t: t}
}

// grant starts a grant with a status; shown are its search attributes SentinelOneState and
// SentinelOnePending, "" for none.
func (s *server) grant(id string, status wire.RequestStatus, shown ...string) {
	s.t.Helper()
	s.grantOn(queue, id, status, shown...)
}

func (s *server) grantOn(queue, id string, status wire.RequestStatus, shown ...string) {
	s.t.Helper()
	status.Request = wire.GrantID(id)
	var updates []temporal.SearchAttributeUpdate
	for i, name := range []string{"SentinelOneState", "SentinelOnePending"} {
		if i < len(shown) && shown[i] != "" {
			updates = append(updates, temporal.NewSearchAttributeKeyKeyword(name).ValueSet(shown[i]))
		}
	}
	if len(shown) > 0 && shown[0] != "" {
		console := temporal.NewSearchAttributeKeyKeyword("SentinelOneConsole")
		updates = append(updates, console.ValueSet(status.Plan.Console))
	}
	_, err := s.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{
		ID: status.Request, TaskQueue: queue, TypedSearchAttributes: temporal.NewSearchAttributes(updates...),
	}, wire.GrantType, status)
	require.NoError(s.t, err)
}

// untilListed waits until Temporal's index has so many grants.
func (s *server) untilListed(n int64) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		got, err := s.CountWorkflow(s.t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: "default", Query: "ExecutionStatus = 'Running'",
		})
		return err == nil && got.GetCount() == n
	}, patience, 50*time.Millisecond)
}

// find is what a new finder finds in one go. A busy machine may leave a query unanswered for longer than the finder
// waits: then another finder begins anew.
func (s *server) find() (*pending.Finder, []pending.Request) {
	s.t.Helper()
	var f *pending.Finder
	var found []pending.Request
	require.Eventually(s.t, func() bool {
		s.lists.Store(0)
		s.queries.Store(0)
		f = s.finder()
		var err error
		if found, err = f.For(s.t.Context(), carol, host); err != nil {
			s.t.Log("again: ", err)
		}
		return err == nil
	}, patience, time.Millisecond)
	return f, found
}

func (s *server) finder() *pending.Finder {
	return pending.NewFinder(&temporalclient.Connection{
		Client: s.countingClient, Options: client.Options{Namespace: "default"},
	}, "", time.Now)
}

// awaiting is the status of a grant that waits for carol's approval.
func awaiting() wire.RequestStatus {
	plan := access.Plan{Op: access.OpAcquire, Console: host, Approval: access.Approval{
		Required: true, Steps: []access.ApprovalStep{{Need: 1, Groups: []string{"leads"}, People: []string{carol}}},
	}}.Seal()
	return wire.RequestStatus{
		State: wire.StateAwaitingApproval, Requester: "bob@example.com", Plan: &plan,
		Approval: &wire.ApprovalStatus{Steps: 1, Need: 1, From: []string{"leads"}, People: []string{carol}},
	}
}

// active is that of a grant in force, of which nothing waits for a decision.
func active() wire.RequestStatus {
	s := awaiting()
	s.State, s.Approval = wire.StateActive, nil
	return s
}

func inReview() wire.RequestStatus {
	s := awaiting()
	s.State, s.Approval.Review = wire.StateActive, true
	return s
}

func withExtension() wire.RequestStatus {
	s := active()
	asked := awaiting()
	s.Extension = &wire.ExtensionStatus{
		Asked:    access.ExtensionRequest{Hash: "ext", By: "bob@example.com", Approval: asked.Plan.Approval},
		Approval: *asked.Approval,
	}
	return s
}

func ids(found []pending.Request) (out []string) {
	for _, r := range found {
		out = append(out, r.ID)
	}
	return out
}

// Of hundreds of running grants only those are queried that Temporal's index shows as pending, or
// of which it does not say: at most five calls and one for each.
func TestFinder_QueriesWhatMayBePending(t *testing.T) {
	t.Parallel()
	s := newServer(t, true)
	const others = 160
	for i := range others {
		s.grantOn("nobody", fmt.Sprint("active-", i), active(), "active", "none") // no worker would answer
	}
	elsewhere := awaiting()
	plan := *elsewhere.Plan
	plan.Console = "other.example.net"
	elsewhere.Plan = &plan
	s.grant("elsewhere", elsewhere, "awaitingApproval")
	s.grant("approval", awaiting(), "awaitingApproval")
	s.grant("review", inReview(), "active", "review")
	s.grant("extension", withExtension(), "active", "extension")
	s.grant("new", awaiting())                               // the index does not show its state yet
	s.grant("older-review", inReview(), "active")            // of a release that did not show reviews
	s.grant("decided", active(), "awaitingApproval", "none") // the index is late: the status decides
	s.untilListed(others + 7)
	f, found := s.find()
	require.ElementsMatch(t, []string{
		"grant/approval", "grant/review", "grant/extension", "grant/new", "grant/older-review",
	}, ids(found))
	require.Zero(t, f.Walked())
	require.EqualValues(t, 1, s.lists.Load())
	require.EqualValues(t, 6, s.queries.Load())
}

// A server without our search attributes has every running request read, and the finder says so.
func TestFinder_WalksWithoutAttributes(t *testing.T) {
	t.Parallel()
	s := newServer(t, false)
	for i := range 20 {
		s.grant(fmt.Sprint("active-", i), active())
	}
	s.grant("approval", awaiting())
	s.untilListed(21)
	f, found := s.find()
	require.Equal(t, []string{"grant/approval"}, ids(found))
	require.Equal(t, 21, f.Walked())
	require.EqualValues(t, 2, s.lists.Load())
	require.EqualValues(t, 21, s.queries.Load())
}
