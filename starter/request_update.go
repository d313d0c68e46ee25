package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

func byFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "by", defaultActor(), "requester, for the audit trail")
}

func whoAsks(by string) (string, error) {
	if by = strings.TrimSpace(by); by == "" {
		return "", usage("who asks is not known: say so with --by, as in --by ana@example.com")
	}
	return by, nil
}

// updateAnswer is the output for programs.
type updateAnswer struct {
	WorkflowID string `json:"workflowId"`
	wire.RequestAnswer
}

// updateGrant sends a message to a running grant, waits until it is carried out, and
// prints the sentence that say makes of the answer.
func (p *app) updateGrant(
	ctx context.Context, text, name string, payload any, say func(updateAnswer) (string, error),
) error {
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	answer, err := p.sendUpdate(ctx, e, strings.TrimSpace(text), name, payload)
	if ctx.Err() != nil {
		return fmt.Errorf("stopped waiting; what was asked goes on. Look with `starter show %s`", text)
	}
	if err != nil {
		return err
	}
	sentence, failed := say(answer)
	if p.output.json {
		return errors.Join(p.emitJSON(answer), failed)
	}
	if failed == nil {
		fmt.Fprintln(p.out, sentence)
		p.remark("all of it: `starter show %s`", typed(answer.WorkflowID))
	}
	return failed
}

func (p *app) sendUpdate(
	ctx context.Context, e *temporalClient, text, name string, payload any,
) (updateAnswer, error) {
	prefixes := []string{wire.GrantID("")}
	if name == wire.CancelUpdate {
		prefixes = append(prefixes, wire.ProvisionID(""))
	}
	var answer updateAnswer
	var err error
	answer.WorkflowID, err = p.updateRunning(ctx, e, runningUpdate{
		kind: "grant", text: text, ids: candidates(text, prefixes...), name: name, payload: payload,
	}, &answer.RequestAnswer)
	return answer, err
}

// runningUpdate is a message to the request that a person names.
type runningUpdate struct {
	kind    string // what messages call it
	text    string // as it was typed
	ids     []string
	name    string
	payload any
}

// updateRunning sends it to the first of the ids that is running, and says which that is.
func (p *app) updateRunning(ctx context.Context, e *temporalClient, u runningUpdate, answer any) (string, error) {
	for _, id := range u.ids {
		handle, err := e.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: id, UpdateName: u.name, WaitForStage: client.WorkflowUpdateStageCompleted,
			Args: []any{u.payload},
		})
		if err == nil {
			err = handle.Get(ctx, answer)
		}
		if temporalclient.IsNotFound(err) {
			continue
		}
		if err != nil {
			return id, temporalclient.Cause(u.kind, e.Explain(err))
		}
		return id, nil
	}
	return "", p.notRunning(ctx, e, u.text, u.ids)
}

// notRunning says why a grant takes no messages.
func (p *app) notRunning(ctx context.Context, e *temporalClient, text string, ids []string) error {
	r := p.requestRecord(ctx, e, "", ids...)
	if !r.Known() {
		return fmt.Errorf("there is no grant %q: see `starter requests --open`", text)
	}
	hint := ""
	if r.State() == wire.StateGranted {
		hint = ": remove the role with `starter revoke`"
	}
	return fmt.Errorf("%w%s", &requestrecord.EndedError{Record: r}, hint)
}
