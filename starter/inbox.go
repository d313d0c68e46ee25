package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/inbox"
)

type inboxOptions struct {
	signOptions

	by string
}

// inboxEvery is how often the list is read.
const inboxEvery = 5 * time.Second

func (p *program) inboxCommand() *cobra.Command {
	var o inboxOptions
	cmd := &cobra.Command{
		Use:   "inbox",
		Short: "Decide on a screen what waits for you",
		Long: `What waits for your decision, on a screen: each request with its plan, who has decided and
who is asked. You approve or deny one or several, and are asked for a yes first. ? shows
the keys.

Where SENTINELONE_BASE_URL is set, these are the requests of that console and of its
TASK_QUEUE, else all that there are.

With a key (ssh-agent, or --key) each decision is signed over the plan that you have seen.
What you have decided is printed when you leave. NO_COLOR turns colours off.`,
		Example: `  starter inbox
  starter inbox --by carol@example.com --key ~/.ssh/id_ed25519`,
		Args: cobra.NoArgs,
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.inbox(ctx, o) }),
	}
	cmd.Flags().StringVar(&o.by, "by", whoAmI(), "who decides")
	o.flags(cmd)
	return cmd
}

func (p *program) inbox(ctx context.Context, o inboxOptions) error {
	in, err := p.screen()
	if err != nil {
		return err
	}
	by, err := whoAsks(o.by)
	if err != nil {
		return err
	}
	// A passphrase is asked for here, before there is a screen.
	pen, err := p.pen(ctx, o.signOptions, by)
	if err != nil {
		return err
	}
	defer pen.close()
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	note := ""
	if pen.none != "" {
		note = "not signed: " + pen.none
	}
	backend, err := p.newInboxBackend(ctx, e, by, pen)
	if err != nil {
		return err
	}
	done, err := inbox.Run(ctx, backend, inbox.Options{
		Who: by, Note: note, Every: inboxEvery, Now: p.now,
	}, in, p.out)
	for _, sentence := range done {
		fmt.Fprintln(p.out, sentence)
	}
	return err
}

// screen is the terminal that is read from; it is written to as standard output.
func (p *program) screen() (*os.File, error) {
	const instead = "use `starter requests --waiting-for me`, `starter approve` and `starter deny`"
	f, ok := p.in.(*os.File)
	switch {
	case p.output.json:
		return nil, usage("an inbox is for people, and has no JSON: %s", instead)
	case !ok || !isTerminal(f) || !isTerminal(p.out):
		return nil, usage("an inbox needs a terminal to read keys from and to draw on: %s", instead)
	case os.Getenv("TERM") == "" || os.Getenv("TERM") == "dumb":
		return nil, usage("this terminal (TERM=%s) cannot be drawn on: %s", os.Getenv("TERM"), instead)
	}
	return f, nil
}
