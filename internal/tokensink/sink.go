package tokensink

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Token is an API token and the service user it belongs to.
type Token struct {
	Console   string // host of the console, with its port if it has one
	ID        string // of the service user; digits only
	Name      string // of the service user
	ExpiresAt time.Time
	// Secret is the token itself, as package console returns it.
	Secret interface{ Reveal() string }
}

// Sink stores tokens.
type Sink interface {
	// Kind returns "file", "command", or "" if no sink is configured.
	Kind() string
	// Check returns an error if Put would fail for this console. Call it before making a
	// token.
	Check(console string) error
	// Put stores a token durably; a second token for the same service user replaces the
	// first. No error contains the token.
	Put(ctx context.Context, t Token) (access.TokenPlace, error)
	// Drop removes the token of a deleted service user. It does nothing if there is none,
	// or if the sink cannot remove tokens.
	Drop(console, id string) error
}

// New returns the configured sink: a [Folder], a program, or one whose Check and Put
// always fail if both are "". The program gets the variables of the worker that are named, by
// name, besides those that every program needs.
func New(folder, program string, variables ...string) Sink {
	switch {
	case folder != "":
		return Folder(folder)
	case program != "":
		return newCommand(program, variables)
	}
	return none{}
}

// none stores nothing.
type none struct{}

var errNone = errors.New("the worker has no place to store the token of a service user, " +
	"which the console shows once: set SERVICE_USER_TOKEN_DIR or SERVICE_USER_TOKEN_COMMAND")

func (none) Kind() string              { return "" }
func (none) Check(string) error        { return errNone }
func (none) Drop(string, string) error { return nil }
func (none) Put(context.Context, Token) (access.TokenPlace, error) {
	return access.TokenPlace{}, errNone
}

func (t Token) check() error {
	if t.Secret == nil || t.Secret.Reveal() == "" {
		return errors.New("the console returned no token to store: reset the token of the service user")
	}
	return safeNames(t.Console, t.ID)
}

// safeNames rejects names that are not a console's host and id, and could lead out of
// the folder.
func safeNames(console, id string) error {
	if console == "" || strings.ContainsAny(console, "/\\\x00") || strings.HasPrefix(console, ".") {
		return fmt.Errorf("%q is not the host of a console", console)
	}
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return fmt.Errorf("%q is not the id of a service user: ids are digits only", id)
	}
	return nil
}
