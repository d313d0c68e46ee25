package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/wire"
)

// actorOptions say who sends a message, why, and with which key it is signed.
type actorOptions struct {
	signOptions

	by, comment string
}

func (o *actorOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.by, "by", defaultActor(), "your name, for the audit trail")
	cmd.Flags().StringVar(&o.comment, "comment", "", "reason, for the audit trail")
	o.signOptions.flags(cmd)
}

// signHelp is what the help of commands says that send a message.
const signHelp = `With a key (ssh-agent, or --key) the message is signed, which the worker requires if
ALLOWED_SIGNERS is set. Without one, the name in --by is recorded as claimed.`

func requireActor(by string) (string, error) {
	if by = strings.TrimSpace(by); by == "" {
		return "", usage("actor unknown: pass --by, as in --by ana@example.com")
	}
	return by, badConfiguration(access.ValidPerson("--by", by))
}

// updateAnswer is the output for programs.
type updateAnswer struct {
	WorkflowID string `json:"workflowId"`
	wire.RequestAnswer
}

// stopGrant sends a message that cancels or ends a running request, waits until it is carried
// out, and prints the sentence that say returns for the answer.
func (p *app) stopGrant(
	ctx context.Context, text, name string, o actorOptions, say func(a updateAnswer, by string) (string, error),
) error {
	by, err := requireActor(o.by)
	if err != nil {
		return err
	}
	signer, err := p.openSigner(ctx, o.signOptions, by) // prompts for a passphrase
	if err != nil {
		return err
	}
	defer signer.Close()
	p.remarkUnsigned(signer)
	in := wire.StopInput{By: by, Comment: o.comment}
	u := requestclient.Update{Name: name, Payload: in}
	if signer.HasKey() {
		u.Sign = func(ctx context.Context, s wire.RequestStatus) (any, error) {
			return signer.SignStop(ctx, name, s, in)
		}
	}
	return p.updateGrant(ctx, text, u, func(a updateAnswer) (string, error) { return say(a, by) })
}

// updateGrant sends a message to a running grant, waits until it is carried out, and
// prints the sentence that say returns for the answer.
func (p *app) updateGrant(
	ctx context.Context, text string, u requestclient.Update, say func(updateAnswer) (string, error),
) error {
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	answer, err := p.sendUpdate(ctx, e, strings.TrimSpace(text), u)
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
		writef(p.out, "%s\n", sentence)
		p.remark("full record: `starter show %s`", requestclient.ShortID(answer.WorkflowID))
	}
	return failed
}

func (p *app) sendUpdate(
	ctx context.Context, e *temporalClient, text string, u requestclient.Update,
) (updateAnswer, error) {
	prefixes := []string{wire.GrantID("")}
	if u.Name == wire.CancelUpdate {
		prefixes = append(prefixes, wire.ProvisionID(""))
	}
	var answer updateAnswer
	var err error
	u.Typed, u.IDs = text, requestclient.Candidates(text, prefixes...)
	answer.WorkflowID, err = p.requestClient(e).Update(ctx, u, &answer.RequestAnswer)
	return answer, withHint(err)
}
