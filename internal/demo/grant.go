package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

const (
	ticket = "INC-42" // the request's id
	// lasts is long enough to be seen on the console, and short enough to wait for.
	lasts = "5s"
	// proofLimit is how long the end of the grant may take, its proof included.
	proofLimit = time.Minute
)

func askForAWhile(ctx context.Context, s *stack, out *screen, ana people) error {
	out.step("Bob asks for a role for ana, for a few seconds",
		"First what it would mean; nothing is changed by asking. Then for real: it waits, since nobody gives roles\n"+
			"alone. This worker has no policy file, so it takes one yes, by anyone but bob and ana.")
	args := []string{
		"grant", "--user", anaEmail, "--role", ana.admin.Name, "--scope", ana.otherScope(),
		"--for", lasts, "--id", ticket, "--reason", "look at an alarm", "--requester", "bob@example.com",
	}
	if err := s.starter(ctx, out, append(slices.Clone(args), "--dry-run")...); err != nil {
		return err
	}
	if err := s.starter(ctx, out, append(args, "--wait=false")...); err != nil {
		return err
	}
	if err := s.untilBeyond(ctx, "grant/"+ticket, wire.StatePlanning); err != nil {
		return err
	}
	return s.starter(ctx, out, "requests", "--open")
}

func consentToIt(ctx context.Context, s *stack, out *screen, ana people) error {
	out.step("Carol says yes",
		"She sees what she consents to. From then on the worker does the rest by itself, and takes the role back\n"+
			"at its end, whatever happens meanwhile.")
	if err := s.starter(ctx, out, "approve", ticket, "--by", "carol@example.com", "--yes"); err != nil {
		return err
	}
	before := []string{wire.StatePlanning, wire.StateAwaitingApproval, wire.StateApplying}
	if err := s.untilBeyond(ctx, "grant/"+ticket, before...); err != nil {
		return err
	}
	return s.sayWhatAnaHolds(ctx, out, ana, "On the console itself ana has now:")
}

func receiptOfIt(ctx context.Context, s *stack, out *screen, ana people) error {
	out.step("It expires by itself, and that is proven",
		"The role is taken back and its absence read twice, five seconds apart. The receipt has all of it.")
	if err := s.untilEnded(ctx, "grant/"+ticket); err != nil {
		return err
	}
	if err := s.sayWhatAnaHolds(ctx, out, ana, "On the console itself ana has now:"); err != nil {
		return err
	}
	if err := s.starter(ctx, out, "show", ticket); err != nil {
		return err
	}
	out.line("")
	out.line("   Every step is in a ledger, each entry with the hash of the one before. Is it whole?")
	return s.starter(ctx, out, "ledger", "verify")
}

// sayWhatAnaHolds reads the simulated console, past everything of ours.
func (s *stack) sayWhatAnaHolds(ctx context.Context, out *screen, ana people, title string) error {
	var truth consoletest.Truth
	if err := s.simulator(ctx, http.MethodGet, "truth", nil, &truth); err != nil {
		return err
	}
	out.line("")
	out.line("   " + title)
	for _, p := range truth.Principals {
		if p.Kind != access.User || p.ID != ana.ana {
			continue
		}
		for _, h := range p.Held {
			out.line(fmt.Sprintf("     %-6s at %s", roleName(truth, h.RoleID), siteName(truth, h.ScopeID)))
		}
	}
	return nil
}

func roleName(truth consoletest.Truth, id string) string {
	for _, r := range truth.Roles {
		if r.ID == id {
			return r.Name
		}
	}
	return id
}

func siteName(truth consoletest.Truth, id string) string {
	for _, s := range truth.Sites {
		if s.ID == id {
			return s.AccountName + " / " + s.Name
		}
	}
	return id
}

// untilBeyond waits until a request says that it is past some states. (Which comes next
// may last a few seconds only, and be over before a slow machine has asked.)
func (s *stack) untilBeyond(ctx context.Context, workflow string, states ...string) error {
	server, err := newTemporalServer(s.temporalAt)
	if err != nil {
		return err
	}
	defer server.client.Close()
	return until(ctx, "wait for "+workflow+" to move on", startLimit, func(ctx context.Context) error {
		var status wire.RequestStatus
		value, err := server.client.QueryWorkflow(ctx, workflow, "", wire.StatusQuery)
		if err == nil {
			err = value.Get(&status)
		}
		if err == nil && slices.Contains(states, status.State) {
			err = fmt.Errorf("the state is %s", status.State)
		}
		return err
	})
}

// untilEnded waits for the end of a workflow.
func (s *stack) untilEnded(ctx context.Context, workflow string) error {
	server, err := newTemporalServer(s.temporalAt)
	if err != nil {
		return err
	}
	defer server.client.Close()
	return until(ctx, "wait for the end of the grant", proofLimit, func(ctx context.Context) error {
		described, err := server.client.DescribeWorkflowExecution(ctx, workflow, "")
		if err != nil {
			return err
		}
		if described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			return errors.New("it is still running")
		}
		return nil
	})
}
