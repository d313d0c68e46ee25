package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

const (
	ticket = "INC-42" // the request's id
	// duration of the grant: long enough to be seen on the console, short enough to wait for.
	duration = "5s"
	// closeLimit is how long the grant may take to end, with the verification of the removal.
	closeLimit = time.Minute
)

func requestRole(ctx context.Context, s *stack, out *screen, ana people) error {
	out.step("Bob requests the role Admin for ana, for five seconds",
		"Without a policy file the built-in policy applies: every grant needs one approval, from someone other\n"+
			"than the requester (bob) and the recipient (ana). First a dry run: it shows the plan, changes nothing.")
	args := []string{
		"grant", "--user", anaEmail, "--role", ana.admin.Name, "--scope", ana.otherScope(),
		"--for", duration, "--id", ticket, "--reason", "look at an alarm", "--requester", "bob@example.com",
	}
	if err := s.starter(ctx, out, append(slices.Clone(args), "--dry-run")...); err != nil {
		return err
	}
	out.line("")
	out.line("   Now the request itself. --wait=false returns at once, instead of waiting for the outcome.")
	if err := s.starter(ctx, out, append(args, "--wait=false")...); err != nil {
		return err
	}
	if err := s.waitPastStates(ctx, "grant/"+ticket, wire.StatePlanning); err != nil {
		return err
	}
	out.line("")
	out.line("   The request is pending. Nothing has changed on the console yet.")
	return s.starter(ctx, out, "requests", "--open")
}

func approveRequest(ctx context.Context, s *stack, out *screen, ana people) error {
	out.step("Carol approves",
		"The command shows what she approves; --yes skips the confirmation prompt. The worker then grants the\n"+
			"role, and removes it after five seconds, also if it was restarted in between. The decision is\n"+
			"\"unsigned\" because this worker has no ALLOWED_SIGNERS: with it, decisions must carry a signature.")
	if err := s.starter(ctx, out, "approve", ticket, "--by", "carol@example.com", "--yes"); err != nil {
		return err
	}
	before := []string{wire.StatePlanning, wire.StateAwaitingApproval, wire.StateApplying}
	if err := s.waitPastStates(ctx, "grant/"+ticket, before...); err != nil {
		return err
	}
	return s.printRolesOfAna(ctx, out, ana)
}

func showReceipt(ctx context.Context, s *stack, out *screen, ana people) error {
	out.step("The grant expires, and the worker verifies that the role is gone",
		"The worker removes the role, then reads ana's roles twice, five seconds apart. Wait about ten seconds.")
	if err := s.waitClosed(ctx, "grant/"+ticket); err != nil {
		return err
	}
	if err := s.printRolesOfAna(ctx, out, ana); err != nil {
		return err
	}
	out.line("")
	out.line("   The record of the request: the plan, the decision, every read and write, and the receipt.")
	if err := s.starter(ctx, out, "show", ticket); err != nil {
		return err
	}
	out.line("")
	out.line("   These steps are entries of a ledger. Each holds the hash of the entry before it. Verify the chain:")
	return s.starter(ctx, out, "ledger", "verify")
}

// printRolesOfAna reads the simulator directly, so that it does not depend on what the worker says.
func (s *stack) printRolesOfAna(ctx context.Context, out *screen, ana people) error {
	var truth consoletest.Truth
	if err := s.simulator(ctx, http.MethodGet, "truth", nil, &truth); err != nil {
		return err
	}
	out.line("")
	out.line("   Roles of ana on the console now, read without the worker:")
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

// waitPastStates waits until a request is in none of some states. It does not wait for one
// state: a state may last a few seconds only, and be over before a slow machine looks.
func (s *stack) waitPastStates(ctx context.Context, workflow string, states ...string) error {
	server, err := newTemporalServer(s.temporalAt)
	if err != nil {
		return err
	}
	defer server.client.Close()
	goal := fmt.Sprintf("wait until %s has left the states %s", workflow, strings.Join(states, ", "))
	return until(ctx, goal, startLimit, func(ctx context.Context) error {
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

// waitClosed waits until a workflow is closed.
func (s *stack) waitClosed(ctx context.Context, workflow string) error {
	server, err := newTemporalServer(s.temporalAt)
	if err != nil {
		return err
	}
	defer server.client.Close()
	return until(ctx, "wait until "+workflow+" is closed", closeLimit, func(ctx context.Context) error {
		described, err := server.client.DescribeWorkflowExecution(ctx, workflow, "")
		if err != nil {
			return err
		}
		if described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			return errors.New("the workflow is still running")
		}
		return nil
	})
}
