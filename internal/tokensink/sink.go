package tokensink

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Token is what is handed over, and whose it is.
type Token struct {
	Console   string // host of the console, with its port if it has one
	ID        string // of the service user
	Name      string
	ExpiresAt time.Time
	// Secret is the token itself, as package console gives it.
	Secret interface{ Reveal() string }
}

// Sink takes tokens.
type Sink interface {
	// Kind is "file" or "command", "" for none.
	Kind() string
	// Check says why a token of that console could not be taken, before one is made.
	Check(console string) error
	// Put takes a token; once it returns nil, the token is kept. A second one for the
	// same service user replaces the first. No error holds the token.
	Put(ctx context.Context, t Token) (access.TokenPlace, error)
	// Drop forgets the token of a service user that is no more, where that is possible.
	Drop(console, id string) error
}

// New is the sink that the settings name: a folder, a program, or neither.
func New(folder, program string) Sink {
	switch {
	case folder != "":
		return Folder(folder)
	case program != "":
		return newCommand(program)
	}
	return none{}
}

// none takes nothing.
type none struct{}

var errNone = errors.New("the worker has nowhere to put the token of a service user, which a console shows once: " +
	"set SERVICE_USER_TOKEN_DIR or SERVICE_USER_TOKEN_COMMAND")

func (none) Kind() string              { return "" }
func (none) Check(string) error        { return errNone }
func (none) Drop(string, string) error { return nil }
func (none) Put(context.Context, Token) (access.TokenPlace, error) {
	return access.TokenPlace{}, errNone
}

func (t Token) check() error {
	if t.Secret == nil || t.Secret.Reveal() == "" {
		return errors.New("there is no token to keep")
	}
	return safeNames(t.Console, t.ID)
}

// safeNames keeps what a path or an environment is made of to what consoles have.
func safeNames(console, id string) error {
	if console == "" || strings.ContainsAny(console, "/\\\x00") || strings.HasPrefix(console, ".") {
		return fmt.Errorf("%q is not the name of a console", console)
	}
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return fmt.Errorf("%q is not the id of a service user: ids of a console are digits only", id)
	}
	return nil
}
