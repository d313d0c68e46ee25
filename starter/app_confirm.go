package main

import (
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// interactive reports whether standard input is a terminal.
func (p *app) interactive() bool {
	f, ok := p.in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && isTerminal(p.err)
}

// confirm asks a question on standard error, and fails unless the answer is yes.
func (p *app) confirm(question string) error {
	writef(p.err, "%s Type yes: ", question)
	said, err := readLine(p.in)
	if err == nil && strings.EqualFold(strings.TrimSpace(said), "yes") {
		return nil
	}
	return errors.New("confirmation not given: nothing was changed")
}

// readLine reads no further than the line's end: the next question reads on.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for one := make([]byte, 1); ; {
		n, err := r.Read(one)
		if n == 1 && one[0] == '\n' {
			return string(line), nil
		}
		line = append(line, one[:n]...)
		if err != nil {
			return string(line), err
		}
	}
}
