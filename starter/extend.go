package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

func (p *app) extendCommand() *cobra.Command {
	var o extendOptions
	cmd := &cobra.Command{
		Use:   "extend ID",
		Short: "Extend an active grant",
		Long: `Extend an active grant: ask for a later end, by a duration that is counted from its current
end. Those who had to approve the grant must approve the extension (` + "`starter approve`" + `), except for
its requester. Until then, and if they do not, the grant ends as before. The command
answers at once; --wait waits for the decision.

` + signHelp,
		Example: `  starter extend INC-42 --for 2h
  starter extend grant/INC-42 --for 1d --by carol@example.com -o json`,
		Args: cobra.ExactArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error { return p.extend(ctx, args[0], o) }),
	}
	cmd.Flags().StringVar(&o.lasts, "for", "", "duration to add: 90m, 2h, 1d")
	_ = cmd.MarkFlagRequired("for") // fails only if the flag does not exist
	cmd.Flags().BoolVar(&o.wait, "wait", false, "wait until the extension is decided")
	o.flags(cmd)
	return cmd
}

type extendOptions struct {
	actorOptions

	lasts string // --for
	wait  bool   // --wait
}

func (p *app) extend(ctx context.Context, id string, o extendOptions) error {
	by, err := requireActor(o.by)
	if err != nil {
		return err
	}
	d, err := timetext.Duration(o.lasts)
	if err != nil {
		return usage("--for: %w", err)
	}
	signer, err := p.openSigner(ctx, o.signOptions, by)
	if err != nil {
		return err
	}
	defer signer.Close()
	p.remarkUnsigned(signer)
	in := wire.ExtendInput{By: by, Duration: access.Duration(d), Comment: o.comment}
	u := requestclient.Update{Name: wire.ExtendUpdate, Payload: in}
	if signer.HasKey() {
		u.Sign = func(ctx context.Context, s wire.RequestStatus) (any, error) {
			return signer.SignExtension(ctx, s, in)
		}
	}
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	answer, err := p.sendUpdate(ctx, e, strings.TrimSpace(id), u)
	if err != nil {
		return err
	}
	return p.concludeExtension(ctx, e, answer, by, o.wait)
}

// extensionAnswer is the output for programs.
type extensionAnswer struct {
	updateAnswer

	// Asked is the pending extension, and Approval who must approve it; nil once it is decided.
	Asked *wire.ExtensionStatus `json:"asked,omitempty"`
}

// concludeExtension prints the outcome of an extension, or from whom it is pending. With wait,
// it waits until it is decided.
func (p *app) concludeExtension(
	ctx context.Context, e *temporalClient, answer updateAnswer, by string, wait bool,
) error {
	out := extensionAnswer{updateAnswer: answer}
	run := temporalclient.Run{WorkflowID: answer.WorkflowID}
	asked := answer.EndsAt
	if answer.Pending {
		seen, err := requestrecord.Observe(ctx, e.Connection, run)
		if err == nil && wait {
			seen, err = requestrecord.Follow(ctx, e.Connection, run, func(s wire.RequestStatus) bool {
				return s.Extension == nil || s.Extension.Asked.Hash != answer.Extension
			}, nil)
		}
		if err != nil {
			return e.Explain(err)
		}
		out.State = cmp.Or(seen.State(), out.State)
		if seen.Status != nil {
			out.Asked, out.EndsAt = seen.Status.Extension, seen.Status.EndsAt
		}
		out.Pending = out.Asked != nil && out.Asked.Asked.Hash == answer.Extension
	}
	var failed error
	moved := out.EndsAt != nil && (!answer.Pending || asked == nil || out.EndsAt.After(*asked))
	if answer.Pending && !out.Pending && !moved {
		failed = fmt.Errorf("the extension of %s was not approved: run `starter show %s`", out.WorkflowID,
			requestclient.ShortID(out.WorkflowID))
	}
	if p.output.json {
		return errors.Join(p.emitJSON(out), failed)
	}
	if failed == nil {
		writef(p.out, "%s\n", extensionSentence(out, by))
		p.remark("full record: `starter show %s`", requestclient.ShortID(out.WorkflowID))
	}
	return failed
}

// extensionSentence is the outcome of an extension in a sentence.
func extensionSentence(a extensionAnswer, by string) string {
	until := ""
	if a.EndsAt != nil {
		until = " until " + describe.Second(*a.EndsAt)
	}
	if !a.Pending {
		return fmt.Sprintf("extended by %s: %s is %s%s", by, a.WorkflowID, a.State, until)
	}
	text := fmt.Sprintf("extension requested by %s: %s is %s%s", by, a.WorkflowID, a.State, until)
	if x := a.Asked; x != nil {
		from := describe.Plural(x.Approval.Need-x.Approval.Given, "approval") +
			" from " + strings.Join(x.Approval.From, ", ")
		text += fmt.Sprintf("; until %s is pending for %s, until %s", describe.Second(x.Asked.EndsAt), from,
			describe.Second(x.Approval.Until))
	}
	return text
}
