package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

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

	extension, review bool // which of the two, where both are pending
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
	id, status, err := d.client.FindPending(ctx, text, requestclient.Candidates(text, requestclient.Prefixes()...)...)
	answer := decisionAnswer{WorkflowID: cmp.Or(id, text)}
	if err != nil {
		return answer, withHint(err)
	}
	if status, err = d.choose(id, status); err != nil {
		return answer, err
	}
	if status.Plan == nil {
		return answer, fmt.Errorf("the request has no plan to decide on yet: its state is %s",
			pending.StateText(status))
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
