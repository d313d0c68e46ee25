package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// envFile holds the settings of a stack that is kept up, for other terminals.
const envFile = ".demo/env"

// keep starts the stack and keeps it up until the context or a part ends.
func keep(ctx context.Context, s *stack, out *screen) error {
	release, err := claim(filepath.Dir(envFile))
	if err != nil {
		return err
	}
	defer release()
	ctx, ana, err := open(ctx, s, out)
	if err != nil {
		return err
	}
	body := strings.Join(append(exports(s.settings()), `export PATH=`+quote(s.bin)+`:"$PATH"`), "\n") + "\n"
	if err := os.WriteFile(envFile, []byte(body), 0o600); err != nil {
		return err
	}
	printUsage(s, out, ana)
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

func printUsage(s *stack, out *screen, ana people) {
	out.heading("The stack runs until you press Ctrl-C. In another terminal, in this folder:")
	commands := []struct{ what, does string }{
		{". " + envFile, "set what the commands need to find this stack"},
		{"", ""},
		{"starter check", "check the connections and the API token"},
		{"starter sync --wait", "copy who has which role into the database"},
		{"starter access", "list who has which role where"},
		{"starter access --user " + anaEmail, "of one user"},
		{"starter access --scope " + quote(ana.scope()) + " --inherited", "at one site"},
		{"starter changes", "what syncs found to have changed"},
		{"starter export --format csv", "all of it, for a spreadsheet"},
		{"starter grant --user " + anaEmail + ` \`, "request a role for one minute;"},
		{"  --role Admin --scope " + quote(ana.otherScope()) + " --for 1m --wait=false", "it prints the ID"},
		{"starter approve ID --by carol@example.com", "approve it as someone else"},
		{"starter requests", "list requests and their outcome"},
	}
	out.line("")
	for _, c := range commands {
		out.line(strings.TrimRight(fmt.Sprintf("   %-66s %s", c.what, c.does), " "))
	}
	out.line("")
	out.line("   The same sync with Temporal's own CLI, and its progress:")
	cli := filepath.Base(s.temporal)
	out.line(fmt.Sprintf("   %s workflow start --type Sync --task-queue %s --workflow-id sync/%s --input '{}'",
		cli, taskQueue, s.host()))
	out.line(fmt.Sprintf("   %s workflow query --workflow-id sync/%s --type status", cli, s.host()))
	out.line("")
	out.line("   Web UI:      " + s.ui)
	out.line("   Logs:        " + s.dir + "/*.log")
	out.line("   Simulate a fault (the next 3 requests for users draw 429):\n" +
		"                curl -d '" + `{"name":"rateLimited","path":"/users","times":3}` + "' " +
		s.console + "/_simulator/faults")
}
