package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/wire"
)

func byFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "by", defaultActor(), "your name, for the audit trail")
}

func requireActor(by string) (string, error) {
	if by = strings.TrimSpace(by); by == "" {
		return "", usage("actor unknown: pass --by, as in --by ana@example.com")
	}
	return by, nil
}

// updateAnswer is the output for programs.
type updateAnswer struct {
	WorkflowID string `json:"workflowId"`
	wire.RequestAnswer
}

// updateGrant sends a message to a running grant, waits until it is carried out, and
// prints the sentence that say returns for the answer.
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
		return fmt.Errorf("stopped waiting; the request continues. Follow it with `starter show %s`", text)
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
		p.remark("full record: `starter show %s`", requestclient.ShortID(answer.WorkflowID))
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
	answer.WorkflowID, err = p.requestClient(e).Update(ctx, requestclient.Update{
		Typed: text, IDs: requestclient.Candidates(text, prefixes...), Name: name, Payload: payload,
	}, &answer.RequestAnswer)
	return answer, withHint(err)
}
