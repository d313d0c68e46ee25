package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/pending"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// pendingDecision takes one person's word to requests.
type pendingDecision struct {
	decisionSender

	action string
	in     wire.DecisionInput
	known  store.Directory
	agree  func() error // asks the person; nil if they have agreed already
}

// one takes the decision to one request, if the person agrees once the plan is shown.
func (d pendingDecision) one(ctx context.Context, text string) (decisionAnswer, error) {
	id, status, err := d.find(ctx, strings.TrimSpace(text))
	answer := decisionAnswer{WorkflowID: cmp.Or(id, text)}
	if err != nil {
		return answer, err
	}
	if status.Plan == nil {
		return answer, fmt.Errorf("there is no plan to decide on yet: the state is %s", pending.StateText(status))
	}
	if !d.output.json {
		writeTable(d.err, nil, d.block(id, status))
	}
	// What is decided already is not asked about; the request itself says by whom.
	if pending.IsPending(status) && d.agree != nil {
		if err := d.agree(); err != nil {
			return answer, err
		}
	}
	answer.Decision, err = d.take(ctx, d.action, status, d.in)
	return answer, err
}

// find finds the running request that a person names. Of several, the one that asks
// people is meant.
func (m decisionSender) find(ctx context.Context, text string) (id string, status wire.RequestStatus, err error) {
	ids := candidates(text, requestPrefixes...)
	var running, asking []string
	seen := map[string]wire.RequestStatus{}
	for _, id := range ids {
		s, err := m.engine.RequestStatus(ctx, startedRun{WorkflowID: id})
		switch {
		case temporalclient.IsNotFound(err) || err == nil && s.Result != nil:
			continue
		case err != nil:
			return id, s, m.engine.noAnswer(ctx, id, err)
		}
		seen[id], running = s, append(running, id)
		if pending.IsPending(s) {
			asking = append(asking, id)
		}
	}
	switch {
	case len(asking) == 1:
		return asking[0], seen[asking[0]], nil
	case len(running) == 1:
		return running[0], seen[running[0]], nil
	case len(running) > 1:
		return "", status, usage("%q is more than one: give %s", text, strings.Join(running, " or "))
	}
	return "", status, m.tooLate(ctx, text, ids...)
}

// noAnswer says why nobody answered for a request that is there.
func (e *temporalClient) noAnswer(ctx context.Context, id string, cause error) error {
	info, err := e.Info(ctx, startedRun{WorkflowID: id})
	if err != nil {
		return e.Explain(cause)
	}
	return errors.New(e.NoAnswer(ctx, info, cause))
}
