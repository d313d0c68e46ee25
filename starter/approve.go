package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/workflows"
)

type decisionOptions struct {
	signOptions

	by, comment string
	length      string
	yes         bool
}

func (p *program) approveCommand() *cobra.Command {
	return p.decisionCommand(workflows.ApproveUpdate, "Consent to requests",
		"Consent to requests that wait for it. The plan of each is shown before you are asked for a yes.\n"+
			"--for consents to a shorter time than was asked for.")
}

func (p *program) denyCommand() *cobra.Command {
	return p.decisionCommand(workflows.DenyUpdate, "Refuse requests",
		"Refuse requests that wait for consent. One no ends a request.")
}

func (p *program) decisionCommand(action, short, long string) *cobra.Command {
	var o decisionOptions
	cmd := &cobra.Command{
		Use:   action + " ID…",
		Short: short,
		Long: long + `

With a key (ssh-agent, or --key) the decision is signed over the plan; the worker asks for that
where ALLOWED_SIGNERS is set. Without, the name in --by is recorded as claimed.`,
		Example: fmt.Sprintf(`  starter %[1]s INC-42
  starter %[1]s INC-42 INC-43 --by carol@example.com --comment "on call" --yes`, action),
		Args: cobra.MinimumNArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error { return p.decideOn(ctx, action, args, o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.by, "by", whoAmI(), "who decides")
	f.StringVar(&o.comment, "comment", "", "why, for the record")
	if action == workflows.ApproveUpdate {
		f.StringVar(&o.length, "for", "", "consent to a shorter time, such as 2h")
	}
	f.BoolVar(&o.yes, "yes", false, "do not ask for a yes")
	o.flags(cmd)
	return cmd
}

// decisionAnswer is the output for programs.
type decisionAnswer struct {
	WorkflowID string          `json:"workflowId"`
	Decision   access.Decision `json:"decision"`
}

// decideOn goes through the requests in order; one that does not take the decision does
// not keep the others from theirs.
func (p *program) decideOn(ctx context.Context, action string, ids []string, o decisionOptions) error {
	by, err := whoAsks(o.by)
	if err != nil {
		return err
	}
	in := workflows.DecisionInput{By: by, Comment: o.comment}
	if o.length != "" {
		length, err := time.ParseDuration(o.length)
		if err != nil || length <= 0 {
			return usage("--for: %q is no length of time: write 2h or 90m", o.length)
		}
		in.Duration = access.Duration(length)
	}
	e, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	if err := e.requireWorker(ctx); err != nil {
		return err
	}
	var faults []error
	for _, id := range ids {
		if err := p.decideOne(ctx, e, action, id, in, o); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", id, err))
		}
	}
	return errors.Join(faults...)
}

func (p *program) decideOne(
	ctx context.Context, e *engine, action, text string, in workflows.DecisionInput, o decisionOptions,
) error {
	id, status, err := p.openRequest(ctx, e, text)
	if err != nil {
		return err
	}
	p.remark("%s: %s", id, p.about(status))
	if !o.yes {
		if !p.asksPerson() {
			return usage("nobody is there to say yes: say --yes, or look first with `starter show %s`", text)
		}
		if err := p.agree(); err != nil {
			return err
		}
	}
	if err := p.signDecision(ctx, action, id, status, &in, o); err != nil {
		return err
	}
	answer := decisionAnswer{WorkflowID: id}
	handle, err := e.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: action, WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{in},
	})
	if err == nil {
		err = handle.Get(ctx, &answer.Decision)
	}
	if err != nil {
		return reasonOf("request", e.explain(err))
	}
	if p.output.json {
		return p.emitJSON(answer)
	}
	fmt.Fprintf(p.out, "%s: %s by %s (%s)\n", id, answer.Decision.Action, answer.Decision.By, answer.Decision.Signed)
	return nil
}

// openRequest finds the running request that a person names.
func (p *program) openRequest(ctx context.Context, e *engine, text string) (string, workflows.RequestStatus, error) {
	ids := candidates(strings.TrimSpace(text), requestPrefixes...)
	for _, id := range ids {
		var status workflows.RequestStatus
		value, err := e.QueryWorkflow(ctx, id, "", workflows.StatusQuery)
		if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
			continue
		}
		if err == nil {
			err = value.Get(&status)
		}
		if err != nil {
			return id, status, reasonOf("request", e.explain(err))
		}
		return id, status, nil
	}
	return "", workflows.RequestStatus{}, p.notRunning(ctx, e, text, ids)
}

// about is what somebody must know before deciding.
func (p *program) about(s workflows.RequestStatus) string {
	if s.Plan == nil {
		return "the plan is not made yet"
	}
	text := what(*s.Plan)
	if len(s.Plan.Notes) > 0 {
		text += "; " + strings.Join(s.Plan.Notes, "; ")
	}
	if s.Waiting != "" {
		text += "; it waits " + s.Waiting
	}
	return text
}

func (p *program) signDecision(
	ctx context.Context, action, id string, s workflows.RequestStatus, in *workflows.DecisionInput, o decisionOptions,
) error {
	if s.Plan == nil {
		return nil
	}
	statement := signing.OfDecision(id, s.Run, s.Plan.Hash, access.Decision{
		By: in.By, Action: action, Comment: in.Comment, Duration: in.Duration, StartAt: in.StartAt,
	})
	signed, signature, err := p.sign(ctx, o.signOptions, statement)
	if err != nil {
		return err
	}
	if signature != "" {
		in.Signature, in.SignedAt = signature, signed.At
	}
	return nil
}
