package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/version"
)

const about = `worker runs the workflows and activities of sentinelone-provisioner until it
gets SIGTERM or SIGINT; then running work is finished or handed over.

Usage:
  worker            work, configured by the environment below
  worker --help     print this
  worker --version  print the version

Exit codes: 0 stopped as asked, 1 failed, 2 usage or bad configuration.
`

// answer handles the arguments there are.
func answer(args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 1 && (args[0] == "--help" || args[0] == "-h" || args[0] == "help"):
		_, _ = fmt.Fprint(stdout, about, "\n")
		printVariables(stdout, "Environment:", config.Variables())
		printVariables(stdout, "Temporal (the same file and variables that the temporal CLI reads):",
			config.TemporalVariables())
		return exitDone
	case len(args) == 1 && (args[0] == "--version" || args[0] == "version"):
		_, _ = fmt.Fprintln(stdout, version.String())
		return exitDone
	}
	_, _ = fmt.Fprintf(stderr, "error: worker takes no arguments, got %q: see worker --help\n", args)
	return exitUsage
}

func printVariables(w io.Writer, title string, variables []config.Variable) {
	_, _ = fmt.Fprintln(w, title)
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"variable", "default", "meaning"})
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 3, WidthMax: 60, WidthMaxEnforcer: text.WrapSoft}})
	for _, v := range variables {
		t.AppendRow(table.Row{v.Name, v.Default, v.Help})
	}
	_, _ = fmt.Fprintln(w, t.Render())
}

// complain prints every fault on a line of its own. Nothing has been started.
func complain(stderr io.Writer, about string, err error) int {
	_, _ = fmt.Fprintf(stderr, "error: %s:\n", about)
	for _, fault := range flatten(err) {
		_, _ = fmt.Fprintf(stderr, "  - %v\n", fault)
	}
	return exitUsage
}

func flatten(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, flatten(e)...)
		}
		return out
	}
	return []error{err}
}
