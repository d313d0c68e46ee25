package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// envFile is where the settings of a kept stack are, for other terminals.
const envFile = ".demo/env"

// keep holds the stack up until it is interrupted or a part of it ends.
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
	instruct(s, out, ana)
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

func instruct(s *stack, out *screen, ana people) {
	out.heading("It is up until you press Ctrl-C. In another terminal, in this folder:")
	commands := []struct{ what, does string }{
		{". " + envFile, "sets what the commands need to find this stack"},
		{"", ""},
		{"starter check", "what the token may do"},
		{"starter sync --wait", "read everything"},
		{"starter access", "who has which role where"},
		{"starter access --user " + anaEmail, ""},
		{"starter access --scope " + quote(ana.scope()) + " --inherited", ""},
		{"starter changes", ""},
		{"starter export --format csv", ""},
		{"starter grant --user " + anaEmail + ` \`, "ask for a role for a minute for her; it waits"},
		{"  --role Admin --scope " + quote(ana.otherScope()) + " --for 1m --wait=false", ""},
		{"starter approve ID --by carol@example.com", "consent to it, as somebody else"},
		{"starter requests", "what became of it"},
	}
	out.line("")
	for _, c := range commands {
		out.line(strings.TrimRight(fmt.Sprintf("   %-44s %s", c.what, c.does), " "))
	}
	out.line("")
	out.line("   The same sync with Temporal's own CLI:")
	cli := filepath.Base(s.temporal)
	out.line(fmt.Sprintf("   %s workflow start --type Sync --task-queue %s --workflow-id sync/%s --input '{}'",
		cli, taskQueue, s.host()))
	out.line(fmt.Sprintf("   %s workflow query --workflow-id sync/%s --type status", cli, s.host()))
	out.line("")
	out.line("   Watch it:    " + s.ui)
	out.line("   Logs:        " + s.dir + "/*.log")
	out.line("   Break it:    curl -d '" + `{"name":"rateLimited","path":"/users","times":3}` + "' " +
		s.console + "/_simulator/faults")
}
