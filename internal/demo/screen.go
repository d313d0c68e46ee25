package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// screen is where the demo speaks: headings, sentences and the commands it runs.
type screen struct {
	w     io.Writer
	bold  bool
	steps int
}

func newScreen(f *os.File) *screen {
	return &screen{w: f, bold: term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""}
}

// line prints one line as it is.
func (s *screen) line(text string) { fmt.Fprintln(s.w, text) }

// step prints a numbered heading and why the step is taken.
func (s *screen) step(title, why string) {
	s.steps++
	s.line("")
	s.line(s.strong(fmt.Sprintf("%d. %s", s.steps, title)))
	for l := range strings.Lines(why) {
		s.line("   " + strings.TrimRight(l, "\n"))
	}
}

// heading prints a heading without a number.
func (s *screen) heading(title string) {
	s.line("")
	s.line(s.strong(title))
}

// command shows what is run, as the user would type it.
func (s *screen) command(words ...string) {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	s.line("")
	s.line(s.strong("   $ " + strings.Join(quoted, " ")))
}

// failure says what went wrong and shows the end of the log that explains it.
func (s *screen) failure(err error) {
	s.line("")
	s.line(s.strong("It failed: ") + err.Error())
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return
	}
	s.line("The end of the log of the " + f.logOf.name + ":")
	for l := range strings.Lines(f.logOf.tail()) {
		s.line("   " + strings.TrimRight(l, "\n"))
	}
}

func (s *screen) strong(text string) string {
	if !s.bold {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}
