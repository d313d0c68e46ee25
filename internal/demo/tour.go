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

// tour is the demo itself.
func tour(ctx context.Context, s *stack, out *screen) error {
	out.line("A demo on this machine alone: nothing leaves it, and nothing of it stays.")
	ctx, ana, err := open(ctx, s, out)
	if err != nil {
		return err
	}
	steps := []func(context.Context, *stack, *screen, people) error{
		check, firstSync, whoHasWhat, askForAWhile, consentToIt, receiptOfIt, changedByHand,
	}
	for _, step := range steps {
		if err := step(ctx, s, out, ana); err != nil {
			return err
		}
	}
	goOn(s, out)
	return nil
}

// open starts the stack and says what runs where.
func open(ctx context.Context, s *stack, out *screen) (context.Context, people, error) {
	out.step("Start a console, Temporal and our worker",
		"The console is simulated; it answers as a SentinelOne console does. Temporal is the real server.")
	out.line("")
	ctx, err := s.start(ctx)
	if err != nil {
		return ctx, people{}, err
	}
	ana, err := s.cast(ctx)
	if err != nil {
		return ctx, people{}, err
	}
	out.line(fmt.Sprintf("   console    %-28s %d users, %d service users, %d sites in %d accounts",
		s.console, users, serviceUsers, sites, accounts))
	out.line(fmt.Sprintf("   Temporal   %-28s web UI at %s", s.temporalAt, s.ui))
	out.line(fmt.Sprintf("   worker     %-28s keeps what it learns in SQLite", "task queue "+taskQueue))
	return ctx, ana, nil
}

func check(ctx context.Context, s *stack, out *screen, _ people) error {
	out.step("Can the console be reached, and may our token read what a sync needs?", "")
	return s.starter(ctx, out, "check")
}

func firstSync(ctx context.Context, s *stack, out *screen, _ people) error {
	out.step("Read everything, once, and prove that it is everything",
		"This is a Temporal workflow. Kill the worker half-way and it goes on at the page where it stopped.")
	return s.starter(ctx, out, "sync", "--wait")
}

func whoHasWhat(ctx context.Context, s *stack, out *screen, ana people) error {
	out.step("Who has access to what?", "Answered from the store, without asking the console again.")
	if err := s.starter(ctx, out, "access", "--user", anaEmail); err != nil {
		return err
	}
	out.line("")
	out.line("   Who reaches one site, also by a role on its account or on the whole tenant?")
	return s.starter(ctx, out, "access", "--scope", ana.scope(), "--inherited")
}

func changedByHand(ctx context.Context, s *stack, out *screen, ana people) error {
	out.step("Somebody changes access by hand",
		fmt.Sprintf("On the console's own pages, ana becomes Admin of all of %s. The next sync sees it.",
			ana.site.AccountName))
	moment := time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00")
	if err := s.promoteAna(ctx, ana); err != nil {
		return err
	}
	if err := s.starter(ctx, out, "sync", "--wait"); err != nil {
		return err
	}
	if err := s.starter(ctx, out, "changes", "--since", moment); err != nil {
		return err
	}
	out.line("")
	out.line("   And what did ana have before?")
	return s.starter(ctx, out, "access", "--user", anaEmail, "--as-of", moment)
}

// goOn says what to type next. The stack is about to stop, so it points to one
// that stays.
func goOn(s *stack, out *screen) {
	out.heading("That was all of it; everything is being stopped. What to type next:")
	for _, l := range []string{
		"",
		"   make dev                     keeps this stack up, and says how to use it",
		"",
		"   With a console of your own:",
		"",
		"   export SENTINELONE_BASE_URL=https://acmeco.sentinelone.net",
		"   export SENTINELONE_API_TOKEN_FILE=~/.sentinelone-token",
		"   bin/starter check            reads a little, changes nothing, says what is missing",
		"   " + s.cli() + " server start-dev",
		"                                or the Temporal you have: export TEMPORAL_ADDRESS=…",
		"   bin/worker                   in a second terminal, with the same two exports",
		"   bin/starter sync --wait      or, with Temporal's own CLI:",
		"   " + s.cli() + " workflow execute --type Sync --task-queue " + taskQueue + " \\",
		"     --workflow-id sync/acmeco.sentinelone.net --input '{}'",
		"",
	} {
		out.line(l)
	}
}

// cli is the Temporal CLI as it is typed in the folder of the project.
func (s *stack) cli() string {
	if filepath.Dir(s.temporal) == s.bin {
		return "bin/" + filepath.Base(s.temporal)
	}
	return filepath.Base(s.temporal)
}

// starter runs one of the commands people type, its output as they would see it.
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
		return context.Cause(ctx) // why it was stopped, and not that it was
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return &failure{what: fmt.Sprintf("`starter %s`: %s", args[0], err), logOf: s.parts[len(s.parts)-1]}
	}
	return err
}
