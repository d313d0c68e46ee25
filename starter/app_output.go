package main

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"sentinelone-provisioner/internal/describe"
)

// format is the value of --output.
type format struct{ json bool }

// String implements pflag.Value.
func (f *format) String() string {
	if f.json {
		return "json"
	}
	return "table"
}

// Set implements pflag.Value.
func (f *format) Set(s string) error {
	switch s {
	case "json", "table":
		f.json = s == "json"
		return nil
	default:
		return fmt.Errorf("unknown output format %q: use table or json", s)
	}
}

// Type implements pflag.Value.
func (*format) Type() string { return "table|json" }

// emitJSON prints a value for programs.
func (p *app) emitJSON(v any) error {
	return p.encode(v, "  ")
}

// emitLine prints a value for programs that get several, one a line.
func (p *app) emitLine(v any) error {
	return p.encode(v, "")
}

func (p *app) encode(v any, indent string) error {
	encoded, err := jsonText(v, "", indent)
	if err != nil {
		return err
	}
	if _, err := p.out.Write(describe.JSON(encoded)); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// writef prints to people. Everything that they read passes here or through [cells], but for
// the inbox, which draws by itself: texts of others cannot control their terminal.
func writef(w io.Writer, format string, args ...any) {
	fmt.Fprint(w, describe.Sprintf(format, args...))
}

// remark prints a line about the answer, for people; programs get it as a field.
func (p *app) remark(format string, args ...any) {
	if !p.output.json {
		writef(p.err, format+"\n", args...)
	}
}

// emitTable prints rows under a header, in plain columns that also read well in
// a file or a mail.
func (p *app) emitTable(header []string, rows [][]string) {
	writeTable(p.out, header, rows)
}

func writeTable(w io.Writer, header []string, rows [][]string) {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft = ""
	style.Box.PaddingRight = "  "
	style.Format.Header = text.FormatUpper
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	if len(header) > 0 {
		t.AppendHeader(cells(header))
	}
	for _, row := range rows {
		t.AppendRow(cells(row))
	}
	fmt.Fprintln(w, t.Render())
}

func cells(values []string) table.Row {
	row := make(table.Row, len(values))
	for i, v := range safe(values) {
		row[i] = v
	}
	return row
}

// safe makes each text one line that cannot control a terminal.
func safe(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = describe.Text(v)
	}
	return out
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

func orEmpty[T any](rows []T) []T {
	if rows == nil {
		return []T{}
	}
	return rows
}
