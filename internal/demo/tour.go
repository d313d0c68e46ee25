package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// intro says what the demo will show, before anything starts.
var intro = []string{
	"This demo runs on this machine only. It contacts no real console, takes about 20 seconds, and removes",
	"everything it created when it ends. Lines that begin with $ are commands that you could type yourself.",
	"",
	"What happens: ana is an analyst (role SOC) at one site. Bob requests the role Admin at another site for",
	"her, for five seconds. Carol approves. The worker grants the role, removes it when it expires, and",
	"verifies the removal.",
}

// tour runs the demo from start to end.
func tour(ctx context.Context, s *stack, out *screen) error {
	for _, l := range intro {
		out.line(l)
	}
	ctx, ana, err := open(ctx, s, out)
	if err != nil {
		return err
	}
	steps := []func(context.Context, *stack, *screen, people) error{
		check, firstSync, showAccess, requestRole, approveRequest, showReceipt, changeByHand,
	}
	for _, step := range steps {
		if err := step(ctx, s, out, ana); err != nil {
			return err
		}
	}
	printNextSteps(s, out)
	return nil
}

// open starts the stack, prepares the people of the demo, and says what runs where.
func open(ctx context.Context, s *stack, out *screen) (context.Context, people, error) {
	out.step("Start a simulated console, a Temporal server and the worker",
		"The simulator answers API requests as a SentinelOne console does. The Temporal server is a real one.\n"+
			"The worker reads and changes the console. The command `starter` tells the worker what to do.")
	out.line("")
	ctx, err := s.start(ctx)
	if err != nil {
		return ctx, people{}, err
	}
	ana, err := s.preparePeople(ctx)
	if err != nil {
		return ctx, people{}, err
	}
	out.line(fmt.Sprintf("   console    %-28s %d users, %d service users, %d sites in %d accounts",
		s.console, users, serviceUsers, sites, accounts))
	out.line(fmt.Sprintf("   Temporal   %-28s web UI at %s, until the stack stops", s.temporalAt, s.ui))
	out.line(fmt.Sprintf("   worker     %-28s stores what it reads in a SQLite database", "task queue "+taskQueue))
	return ctx, ana, nil
}

func check(ctx context.Context, s *stack, out *screen, _ people) error {
	out.step("Check the connections and the API token",
		"Can the console, Temporal, the worker and the database be reached? May the token read what a sync needs?\n"+
			"The check changes nothing. Next to a failed line it says what to do.")
	return s.starter(ctx, out, "check")
}

func firstSync(ctx context.Context, s *stack, out *screen, _ people) error {
	out.step("Sync: copy who has which role into the database",
		"A collection is \"proven\" once every row that the console counts was read. The sync is a Temporal\n"+
			"workflow: if the worker is killed half-way, it resumes at the page where it stopped.")
	return s.starter(ctx, out, "sync", "--wait")
}

func showAccess(ctx context.Context, s *stack, out *screen, ana people) error {
	out.step("Query who has access to what",
		"The answers come from the database, without a call to the console. First: which roles does ana have?")
	if err := s.starter(ctx, out, "access", "--user", anaEmail); err != nil {
		return err
	}
	out.line("")
	out.line("   Next: who has access to one site, also by a role on its account or tenant (column THROUGH)?")
	return s.starter(ctx, out, "access", "--scope", ana.scope(), "--inherited")
}

func changeByHand(ctx context.Context, s *stack, out *screen, ana people) error {
	out.step("Detect a change that nobody requested",
		fmt.Sprintf("On the console's own web pages, an administrator makes ana Admin of the whole account %s.\n"+
			"That replaces her role at the site, since a console holds the roles of one user at one level.\n"+
			"The next sync finds the change.",
			ana.site.AccountName))
	moment := time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00")
	if err := s.promoteAna(ctx, ana); err != nil {
		return err
	}
	if err := s.starter(ctx, out, "sync", "--wait"); err != nil {
		return err
	}
	out.line("")
	out.line("   What has changed since the moment before that edit?")
	if err := s.starter(ctx, out, "changes", "--since", moment); err != nil {
		return err
	}
	out.line("")
	out.line("   Which roles did ana have at that moment?")
	return s.starter(ctx, out, "access", "--user", anaEmail, "--as-of", moment)
}

// printNextSteps says what to type next. The stack is about to stop, so the first hint is how
// to start one that stays up.
func printNextSteps(s *stack, out *screen) {
	out.heading("The demo is complete and stops everything that it started. What to do next:")
	for _, l := range []string{
		"",
		"   make dev                     start the same stack and keep it up, to try the commands yourself",
		"",
		"   With your own console (`check` and `sync` only read):",
		"",
		"   export SENTINELONE_BASE_URL=https://acmeco.sentinelone.net",
		"   export SENTINELONE_API_TOKEN_FILE=~/.sentinelone-token",
		fmt.Sprintf("   %-28s in a second terminal, or set TEMPORAL_ADDRESS", s.cli()+" server start-dev"),
		"   bin/worker                   in a third terminal, with the same exports",
		"   bin/starter check            what works, and what to fix",
		"   bin/starter sync --wait      the first sync; or the same with Temporal's own CLI:",
		"   " + s.cli() + " workflow execute --type Sync --task-queue " + taskQueue + " \\",
		"     --workflow-id sync/acmeco.sentinelone.net --input '{}'",
		"",
		"   Read on: README.md (first steps), docs/policy.md (who must approve what), docs/signing.md (signatures)",
		"",
	} {
		out.line(l)
	}
}

// cli is the Temporal CLI as users type it in the project's folder.
func (s *stack) cli() string {
	if filepath.Dir(s.temporal) == s.bin {
		return "bin/" + filepath.Base(s.temporal)
	}
	return filepath.Base(s.temporal)
}

// starter runs one command of starter and shows the command and its output as users would see them.
func (s *stack) starter(ctx context.Context, out *screen, args ...string) error {
	out.command(append([]string{"starter"}, args...)...)
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "starter"), args...)
	cmd.Env = environment(os.Environ(), s.settings())
	cmd.Dir = s.dir
	cmd.Stdout, cmd.Stderr = out.w, out.w // a terminal stays one, so that a progress bar can be drawn
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = otherGrace
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx) // the reason, rather than "signal: terminated"
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return &failure{what: fmt.Sprintf("`starter %s`: %s", args[0], err), logOf: s.parts[len(s.parts)-1]}
	}
	return err
}
