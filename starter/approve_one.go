package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/pending"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// pendingDecision sends one person's decision to requests.
type pendingDecision struct {
	*app

	client requestclient.Client
	signer requestclient.Signer

	action string
	in     wire.DecisionInput
	known  store.Directory
	agree  func() error // asks the person; nil if they have agreed already

	extension, review bool          // which of the two, where both are pending
	patience          time.Duration // how long a plan may take
}

// decisionAnswer is the output for programs, one for each request.
type decisionAnswer struct {
	WorkflowID string           `json:"workflowId"` // or the argument, if no request was found
	Decision   *access.Decision `json:"decision,omitempty"`
	Error      string           `json:"error,omitempty"`
}

// one takes the decision to one request, if the person agrees once the plan is shown.
func (d pendingDecision) one(ctx context.Context, text string) (decisionAnswer, error) {
	text = strings.TrimSpace(text)
	id, status, err := d.planned(ctx, text)
	answer := decisionAnswer{WorkflowID: cmp.Or(id, text)}
	if err != nil {
		return answer, withHint(err)
	}
	if status, err = d.choose(id, status); err != nil {
		return answer, err
	}
	if isPlanning(status) {
		return answer, fmt.Errorf("the request has no plan to decide on yet: its state is %s after %s of waiting; "+
			"run the command again when `starter show %s` shows a plan",
			pending.StateText(status), access.Duration(d.patience), requestclient.ShortID(id))
	}
	if !d.output.json {
		writeTable(d.err, nil, d.block(id, status))
	}
	// Do not prompt for a request that is already decided: its record names the approver.
	if pending.IsPending(status) && d.agree != nil {
		if err := d.agree(); err != nil {
			return answer, err
		}
	}
	answer.Decision, err = d.client.Decide(ctx, d.signer, d.action, status, d.in)
	return answer, withHint(err)
}

// planned finds the request that a person names. While its plan is being made, as right after a grant that
// was not waited for, it looks again, for as long as the person's patience lasts: also where a busy
// worker leaves one look unanswered.
func (d pendingDecision) planned(ctx context.Context, text string) (id string, s wire.RequestStatus, err error) {
	ids := requestclient.Candidates(text, requestclient.Prefixes()...)
	id, s, err = d.client.FindPending(ctx, text, ids...)
	if err != nil || !isPlanning(s) || d.patience <= 0 {
		return id, s, err
	}
	d.remark("%s is being planned: waiting for the plan, %s at most", id, access.Duration(d.patience))
	end := time.NewTimer(d.patience)
	defer end.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for isPlanning(s) {
		select {
		case <-tick.C:
		case <-end.C:
			return id, s, err
		case <-ctx.Done():
			return id, s, ctx.Err()
		}
		id, s, err = d.client.FindPending(ctx, text, ids...)
		if _, unanswered := errors.AsType[*requestclient.UnansweredError](err); err != nil && !unanswered {
			return id, s, err
		}
	}
	return id, s, nil
}

// isPlanning says that there is nothing to decide on yet.
func isPlanning(s wire.RequestStatus) bool { return s.Plan == nil || s.State == wire.StatePlanning }

// choose is what the decision is about: the plan or the review, or the extension.
func (d pendingDecision) choose(id string, s wire.RequestStatus) (wire.RequestStatus, error) {
	extension, pendingExtension := livestatus.OfExtension(s)
	switch {
	case d.extension && !pendingExtension:
		return s, fmt.Errorf("no extension of %s is pending: its state is %s", id, pending.StateText(s))
	case d.review || !pendingExtension:
		return s, nil
	case !d.extension && pending.IsPending(s):
		return s, usage("a review and an extension of %s are pending: pass --review or --extension",
			requestclient.ShortID(id))
	}
	return extension, nil
}
