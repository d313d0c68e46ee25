package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/describe"
)

// Exit codes, which scripts rely on.
const (
	exitDone   = 0
	exitFailed = 1 // or refused
	exitUsage  = 2 // or bad configuration
)

// failure marks an error of a command that was called correctly. What is not marked
// is a mistake in the asking: cobra's own errors, and bad configuration.
type failure struct{ err error }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// misuse marks an error of a command as one of its arguments or its environment.
type misuse struct{ err error }

func (m *misuse) Error() string { return m.err.Error() }
func (m *misuse) Unwrap() error { return m.err }

func usage(format string, args ...any) error { return &misuse{fmt.Errorf(format, args...)} }

func badConfiguration(err error) error {
	if err == nil {
		return nil
	}
	return &misuse{err}
}

func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	if _, failed := errors.AsType[*failure](err); failed {
		return exitFailed
	}
	return exitUsage
}

// marked sorts what a command returned.
func marked(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*misuse](err); ok {
		return err
	}
	return &failure{err}
}

// complain prints each fault on its own line.
func (p *app) complain(err error) {
	for _, fault := range faults(err) {
		text := describe.Error(fault.Error())
		if errors.Is(fault, context.Canceled) {
			text = "stopped"
		}
		fmt.Fprintf(p.err, "error: %s\n", text)
	}
}

// faults takes joined errors apart. A sentence that only keeps several causes is
// left whole.
func faults(err error) []error {
	switch e := err.(type) { //nolint:errorlint // the point is the outermost shape
	case nil:
		return nil
	case *failure:
		return faults(e.err)
	case *misuse:
		return faults(e.err)
	case interface{ Unwrap() []error }:
		if !joined(err, e.Unwrap()) {
			return []error{err}
		}
		var all []error
		for _, one := range e.Unwrap() {
			all = append(all, faults(one)...)
		}
		return all
	default:
		return []error{err}
	}
}

// joined says that err is nothing but its parts, one a line, as errors.Join
// makes it.
func joined(err error, parts []error) bool {
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = part.Error()
	}
	return err.Error() == strings.Join(texts, "\n")
}
