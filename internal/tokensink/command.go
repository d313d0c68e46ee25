package tokensink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// command is a sink that runs a program for each token.
type command struct {
	program string
	timeout time.Duration
}

// commandTimeout is how long the program has to keep a token.
const commandTimeout = 30 * time.Second

func newCommand(program string) command { return command{program: program, timeout: commandTimeout} }

// Kind implements [Sink].
func (command) Kind() string { return "command" }

// Check implements [Sink].
func (c command) Check(string) error {
	if _, err := exec.LookPath(c.program); err != nil {
		return fmt.Errorf("SERVICE_USER_TOKEN_COMMAND: %w", err)
	}
	return nil
}

// Drop implements [Sink]: what the program has done with a token is its own business.
func (command) Drop(string, string) error { return nil }

// Put implements [Sink]. The program gets the token on its standard input; exit code 0
// says that it is kept.
func (c command) Put(ctx context.Context, t Token) (access.TokenPlace, error) {
	place := access.TokenPlace{Sink: c.Kind(), ExpiresAt: t.ExpiresAt}
	if err := t.check(); err != nil {
		return place, err
	}
	ctx, stop := context.WithTimeout(ctx, c.timeout)
	defer stop()
	said := &head{most: mostSaid}
	cmd := exec.CommandContext(ctx, c.program) //nolint:gosec // the operator's own program is the point
	cmd.Stdin, cmd.Stderr = strings.NewReader(t.Secret.Reveal()), said
	cmd.WaitDelay = time.Second
	cmd.Env = append(environment(os.Environ()),
		"SERVICE_USER_CONSOLE="+t.Console, "SERVICE_USER_ID="+t.ID, "SERVICE_USER_NAME="+t.Name,
		"SERVICE_USER_TOKEN_EXPIRES_AT="+t.ExpiresAt.UTC().Format(time.RFC3339))
	err := cmd.Run()
	switch {
	case err == nil:
		return place, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("it took longer than %s", c.timeout)
	}
	return place, fmt.Errorf("SERVICE_USER_TOKEN_COMMAND did not take the token of service user %s: %w%s",
		t.ID, err, because(said.String(), t.Secret.Reveal()))
}

// ours are variables that hold secrets of the worker, which the program has no use for.
var ours = []string{"SENTINELONE_API_TOKEN=", "DATABASE_URL=", "TEMPORAL_API_KEY="}

func environment(all []string) []string {
	out := make([]string, 0, len(all))
	for _, v := range all {
		secret := false
		for _, name := range ours {
			secret = secret || strings.HasPrefix(v, name)
		}
		if !secret {
			out = append(out, v)
		}
	}
	return out
}

// Bounds of what is repeated of the program's own words.
const (
	mostSaid  = 4096 // bytes looked at
	mostShown = 200  // characters shown
	telling   = 8    // characters of a token that give it away
)

// opaque is what a token, or one that was encoded, looks like; no word is that long.
var opaque = regexp.MustCompile(`[A-Za-z0-9+/=_.-]{20,}`)

// because is what the program said, without anything that may be of the token. Where
// some of it is left all the same, it is nothing.
func because(said, token string) string {
	said = strings.ReplaceAll(said, token, "[redacted]")
	said = strings.Join(strings.Fields(opaque.ReplaceAllString(said, "[redacted]")), " ")
	for i := 0; i+telling <= len(token); i++ {
		if strings.Contains(said, token[i:i+telling]) {
			return ""
		}
	}
	if runes := []rune(said); len(runes) > mostShown {
		said = string(runes[:mostShown]) + "…"
	}
	if said == "" {
		return ""
	}
	return ": " + said
}

// head keeps the first bytes that are written to it.
type head struct {
	strings.Builder

	most int
}

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	if room := h.most - h.Len(); room > 0 {
		_, _ = h.Builder.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
