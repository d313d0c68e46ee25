package tokensink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// command is a sink that runs a program for each token.
type command struct {
	program   string
	variables []string // names of variables of the worker that the program gets too
	timeout   time.Duration
}

// commandTimeout bounds one run of the program.
const commandTimeout = 30 * time.Second

func newCommand(program string, variables []string) command {
	return command{program: program, variables: variables, timeout: commandTimeout}
}

// Kind implements [Sink].
func (command) Kind() string { return "command" }

// Check implements [Sink].
func (c command) Check(string) error {
	if _, err := exec.LookPath(c.program); err != nil {
		return fmt.Errorf("SERVICE_USER_TOKEN_COMMAND: %w", err)
	}
	return nil
}

// Drop implements [Sink]. It does nothing: only the program knows where the token is.
func (command) Drop(string, string) error { return nil }

// Put implements [Sink]. The program reads the token from standard input; exit code 0
// means that the token is stored.
func (c command) Put(ctx context.Context, t Token) (access.TokenPlace, error) {
	place := access.TokenPlace{Sink: c.Kind(), ExpiresAt: t.ExpiresAt}
	if err := t.check(); err != nil {
		return place, err
	}
	ctx, stop := context.WithTimeout(ctx, c.timeout)
	defer stop()
	output := &headWriter{limit: maxOutput}
	cmd := exec.CommandContext(ctx, c.program) //nolint:gosec // the operator's own program is the point
	cmd.Stdin, cmd.Stderr = strings.NewReader(t.Secret.Reveal()), output
	cmd.WaitDelay = time.Second
	cmd.Env = append(environment(os.Environ(), c.variables),
		"SERVICE_USER_CONSOLE="+t.Console, "SERVICE_USER_ID="+t.ID, "SERVICE_USER_NAME="+t.Name,
		"SERVICE_USER_TOKEN_EXPIRES_AT="+t.ExpiresAt.UTC().Format(time.RFC3339))
	err := cmd.Run()
	switch {
	case err == nil:
		return place, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("it ran longer than %s", c.timeout)
	}
	return place, fmt.Errorf("SERVICE_USER_TOKEN_COMMAND did not store the token of service user %s: %w%s",
		t.ID, err, reason(output.String(), t.Secret.Reveal()))
}

// passedOn are the variables of the worker that the program gets: those that programs need to
// run at all. Nothing else passes, since any variable of the worker may hold a secret, known
// here or not.
var passedOn = []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE"}

// localePrefix begins further variables that the program gets.
const localePrefix = "LC_"

// environment returns what of the worker's environment the program gets: passedOn, the locale,
// and the variables that the operator names.
func environment(all, named []string) []string {
	var out []string
	for _, v := range all {
		name, _, _ := strings.Cut(v, "=")
		if slices.Contains(passedOn, name) || strings.HasPrefix(name, localePrefix) || slices.Contains(named, name) {
			out = append(out, v)
		}
	}
	return out
}

// Bounds for the program's error output in our error message.
const (
	maxOutput   = 4096 // bytes read
	maxReason   = 200  // characters shown
	minFragment = 8    // characters of a token that must not appear in the message
)

// opaque matches what looks like a token or an encoded one; no ordinary word is that
// long.
var opaque = regexp.MustCompile(`[A-Za-z0-9+/=_.-]{20,}`)

// reason returns ": " and the program's error output with everything redacted that may
// be part of the token. It returns "" if a fragment of the token remains.
func reason(output, token string) string {
	output = strings.ReplaceAll(output, token, "[redacted]")
	output = strings.Join(strings.Fields(opaque.ReplaceAllString(output, "[redacted]")), " ")
	for i := 0; i+minFragment <= len(token); i++ {
		if strings.Contains(output, token[i:i+minFragment]) {
			return ""
		}
	}
	if runes := []rune(output); len(runes) > maxReason {
		output = string(runes[:maxReason]) + "…"
	}
	if output == "" {
		return ""
	}
	return ": " + output
}

// headWriter keeps the first limit bytes and drops the rest.
type headWriter struct {
	strings.Builder

	limit int
}

// Write implements io.Writer.
func (h *headWriter) Write(p []byte) (int, error) {
	if room := h.limit - h.Len(); room > 0 {
		_, _ = h.Builder.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
