package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/inbox"
)

type inboxOptions struct {
	signOptions

	by string
}

// inboxEvery is the pause between two reads of the list.
const inboxEvery = 5 * time.Second

func (p *app) inboxCommand() *cobra.Command {
	var o inboxOptions
	cmd := &cobra.Command{
		Use:   "inbox",
		Short: "Decide pending requests on a screen",
		Long: `List the requests that you may decide, each with its plan, its decisions so far and its
approvers. Approve or deny one or several; the inbox asks for confirmation first. Press ?
for the keys.

If SENTINELONE_BASE_URL is set, the inbox lists the requests of that console and of its
TASK_QUEUE, else all requests.

With a key (ssh-agent, or --key) it signs each decision over the plan that you have seen.
It prints your decisions when you leave. NO_COLOR turns colours off.`,
		Example: `  starter inbox
  starter inbox --by carol@example.com --key ~/.ssh/id_ed25519`,
		Args: cobra.NoArgs,
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.inbox(ctx, o) }),
	}
	cmd.Flags().StringVar(&o.by, "by", defaultActor(), "approver")
	o.flags(cmd)
	return cmd
}

func (p *app) inbox(ctx context.Context, o inboxOptions) error {
	in, err := p.screen()
	if err != nil {
		return err
	}
	by, err := requireActor(o.by)
	if err != nil {
		return err
	}
	// Ask for a passphrase here, before the screen takes over the terminal.
	signer, err := p.openSigner(ctx, o.signOptions, by)
	if err != nil {
		return err
	}
	defer signer.Close()
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	note := ""
	if why := signer.NoKey(); why != "" {
		note = "not signed: " + why
	}
	backend, err := p.newInboxBackend(ctx, e, by, signer)
	if err != nil {
		return err
	}
	done, err := inbox.Run(ctx, backend, inbox.Options{
		Who: by, Note: note, Every: inboxEvery, Now: p.now,
	}, in, p.out)
	for _, sentence := range done {
		writef(p.out, "%s\n", sentence)
	}
	return err
}

// screen returns the terminal to read keys from, or a usage error if input or output is
// none.
func (p *app) screen() (*os.File, error) {
	const instead = "use `starter requests --waiting-for me`, `starter approve` and `starter deny`"
	f, ok := p.in.(*os.File)
	switch {
	case p.output.json:
		return nil, usage("the inbox has no JSON output: %s", instead)
	case !ok || !isTerminal(f) || !isTerminal(p.out):
		return nil, usage("the inbox needs a terminal for input and output: %s", instead)
	case os.Getenv("TERM") == "" || os.Getenv("TERM") == "dumb":
		return nil, usage("the inbox cannot draw on this terminal (TERM=%s): %s", os.Getenv("TERM"), instead)
	}
	return f, nil
}
