package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// screen prints the demo: headings, sentences and the commands it runs.
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

// step prints a numbered heading and what the step shows, why may have several lines.
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

// commandWidth is the most columns of a line of a command, without the " \" at its end.
const commandWidth = 88

// command prints a command as users would type it.
func (s *screen) command(words ...string) {
	s.line("")
	line := "   $"
	for _, option := range optionsOf(words) {
		if len(line)+1+len(option) > commandWidth {
			s.line(s.strong(line + " \\"))
			line = "      "
		}
		line += " " + option
	}
	s.line(s.strong(line))
}

// optionsOf joins each flag with its value, quoted for a shell, so that a line break never
// separates them.
func optionsOf(words []string) []string {
	var out []string
	for i, w := range words {
		if i > 0 && strings.HasPrefix(words[i-1], "--") && !strings.HasPrefix(w, "--") {
			out[len(out)-1] += " " + quote(w)
			continue
		}
		out = append(out, quote(w))
	}
	return out
}

// failure prints an error, and the end of the log that explains it if there is one.
func (s *screen) failure(err error) {
	s.line("")
	s.line(s.strong("Failed: ") + err.Error())
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return
	}
	s.line("Last lines of the log of the " + f.logOf.name + ":")
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
