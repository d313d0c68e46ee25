package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/workflows"
)

type policyMoveOptions struct{ by, comment string }

func (p *program) policyMoveCommand() *cobra.Command {
	var o policyMoveOptions
	cmd := &cobra.Command{
		Use:   "move ID",
		Short: "Have a request that waits follow the worker's present policy",
		Long: `Plan a request that waits for people, or for its start, by the policy that its worker
follows now, in place of the one it began with. Approvals it has do not count any more:
people are asked anew, by the new policy. What that refuses ends. The ledger has both
policies and who moved it; the name in --by is recorded as claimed.`,
		Example: `  starter policy move INC-42
  starter policy move grant/INC-42 --by carol@example.com --comment "new approvers" -o json`,
		Args: cobra.ExactArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error { return p.policyMove(ctx, args[0], o) }),
	}
	byFlag(cmd, &o.by)
	cmd.Flags().StringVar(&o.comment, "comment", "", "why, for the record")
	return cmd
}

// policyMoveAnswer is the output for programs.
type policyMoveAnswer struct {
	WorkflowID string `json:"workflowId"`
	workflows.PolicyMoved
}

func (p *program) policyMove(ctx context.Context, id string, o policyMoveOptions) error {
	by, err := whoAsks(o.by)
	if err != nil {
		return err
	}
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	id = strings.TrimSpace(id)
	var answer policyMoveAnswer
	answer.WorkflowID, err = p.updateRunning(ctx, e, runningUpdate{
		kind: "request", text: id, ids: candidates(id, requestPrefixes...), name: workflows.MoveUpdate,
		payload: workflows.PolicyMove{By: by, Comment: o.comment},
	}, &answer.PolicyMoved)
	if err != nil {
		return err
	}
	if p.output.json {
		err = p.emitJSON(answer)
	} else {
		fmt.Fprintf(p.out, "moved by %s: %s is %s: %s\n", by, answer.WorkflowID, answer.State, answer.Message)
		p.remark("policy %.12s, before %.12s; all of it: `starter show %s`", answer.To, answer.From,
			typed(answer.WorkflowID))
	}
	if answer.State == workflows.StateRefused {
		err = errors.Join(err, fmt.Errorf("the new policy refuses %s, which has ended", answer.WorkflowID))
	}
	return err
}
