package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/inbox"
	"sentinelone-provisioner/workflows"
)

// deskLook is what the last question to a request has brought.
type deskLook struct {
	at     time.Time
	status workflows.RequestStatus
	failed bool // the next one brought nothing
}

const (
	// mostRunning bounds how many running requests are looked through for those that wait.
	mostRunning = 2000
	// restingLook is how often a request is asked that waits for no decision, such as a
	// grant that is in force for weeks.
	restingLook = time.Minute
)

// Waiting implements [inbox.Desk]. It needs Temporal alone: who decides may not reach the
// database. Requests that do not answer are listed as they were when they last did.
//
// This is the one place that builds the list; [deskMayNot] says who may.
func (d *desk) Waiting(ctx context.Context) ([]inbox.Item, error) {
	running, err := d.running(ctx)
	if err != nil {
		return nil, err
	}
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(questionsAtOnce)
	troubles := make([]error, len(running))
	for i, run := range running {
		if d.due(run) {
			group.Go(func() error { troubles[i] = d.ask(asking, run); return nil })
		}
	}
	_ = group.Wait() // troubles has them
	items := []inbox.Item{}
	for _, status := range d.known(running) {
		if deskMayNot(status, d.by) == "" {
			items = append(items, d.item(status))
		}
	}
	return items, deskTroubles(troubles)
}

// deskTroubles is what kept requests from being asked: the first of it, and how many.
func deskTroubles(all []error) error {
	all = slices.DeleteFunc(all, func(err error) bool { return err == nil })
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return fmt.Errorf("%d requests: %w", len(all), all[0])
}

func deskKey(run started) string { return run.WorkflowID + "\n" + run.RunID }

// running lists the requests of this task queue that have not ended.
func (d *desk) running(ctx context.Context) ([]started, error) {
	types := []string{
		workflows.GrantType, workflows.RevokeType, workflows.ProvisionUserType, workflows.ProvisionServiceUserType,
		workflows.OffboardType,
	}
	query := fmt.Sprintf("ExecutionStatus = 'Running' AND TaskQueue = '%s' AND WorkflowType IN ('%s')",
		strings.ReplaceAll(d.e.queue, "'", `\'`), strings.Join(types, "', '"))
	var out []started
	var page []byte
	for {
		answer, err := d.page(ctx, query, page)
		if err != nil {
			return nil, fmt.Errorf("list the running requests: %w", d.e.explain(err))
		}
		for _, info := range answer.GetExecutions() {
			out = append(out, deskRun(info))
		}
		if page = answer.GetNextPageToken(); len(page) == 0 {
			return out, nil
		}
		if len(out) >= mostRunning {
			return nil, fmt.Errorf("more than %d requests run: an inbox cannot look through so many", mostRunning)
		}
	}
}

func (d *desk) page(
	ctx context.Context, query string, token []byte,
) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return d.e.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: token})
}

func deskRun(info *workflowpb.WorkflowExecutionInfo) started {
	return started{WorkflowID: info.GetExecution().GetWorkflowId(), RunID: info.GetExecution().GetRunId()}
}

// due says whether a request is to be asked again.
func (d *desk) due(run started) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	last, ok := d.seen[deskKey(run)]
	if !ok || last.failed {
		return true
	}
	switch last.status.State {
	case workflows.StateScheduled, workflows.StateActive, workflows.StateReleasing:
		return deskWanted(last.status) || d.p.now().Sub(last.at) >= restingLook
	}
	return true
}

// deskWanted says whether people are asked for a decision.
func deskWanted(s workflows.RequestStatus) bool { return s.Consent != nil && s.Consent.Verdict == "" }

// ask asks one request and keeps what it says.
func (d *desk) ask(ctx context.Context, run started) error {
	seen, err := d.e.glimpseNow(ctx, run)
	if err == nil && seen.trouble != "" {
		err = errors.New(seen.trouble)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	last, known := d.seen[deskKey(run)]
	switch {
	case err != nil && known:
		last.failed = true
		d.seen[deskKey(run)] = last
	case seen.over:
		delete(d.seen, deskKey(run))
		return nil
	case err == nil:
		d.seen[deskKey(run)] = deskLook{at: d.p.now(), status: *seen.status}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", run.WorkflowID, err)
	}
	return nil
}

// known are the last answers of those that run; others are forgotten.
func (d *desk) known(running []started) []workflows.RequestStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := map[string]deskLook{}
	var out []workflows.RequestStatus
	for _, run := range running {
		if last, ok := d.seen[deskKey(run)]; ok {
			kept[deskKey(run)] = last
			out = append(out, last.status)
		}
	}
	d.seen = kept
	return out
}

// deskMayNot says why a person may not decide a request now, or "". It is the rule of
// the workflow, which has the last word.
func deskMayNot(s workflows.RequestStatus, by string) string {
	who := access.Fold(by)
	switch {
	case s.Plan == nil:
		return "the plan is not made yet"
	case s.Consent != nil && s.Consent.Verdict != "":
		return deskDecided(*s.Consent)
	case s.Consent == nil || s.State != workflows.StateAwaiting && s.State != workflows.StateActive:
		return "there is nothing to decide: the state is " + s.State
	case who == access.Fold(s.Requester):
		return "you have asked for it: the requester does not decide"
	case who == access.Fold(s.Plan.Principal.Email):
		return "you would get it: nobody decides about a role of their own"
	}
	for _, d := range s.Consent.Decisions {
		if access.Fold(d.By) == who {
			return fmt.Sprintf("you have decided already: %s at %s", d.Action, instant(d.At))
		}
	}
	if !slices.Contains(s.Consent.From, access.Anyone) && !slices.Contains(s.Consent.People, who) {
		return "others are asked: it waits " + s.Waiting
	}
	return ""
}

// deskDecided says who decided and when.
func deskDecided(c workflows.ConsentStatus) string {
	if n := len(c.Decisions); n > 0 {
		last := c.Decisions[n-1]
		return fmt.Sprintf("it is decided already: %s, last by %s at %s", c.Verdict, last.By, instant(last.At))
	}
	return fmt.Sprintf("it is decided already: %s at %s", c.Verdict, instant(c.Until))
}
