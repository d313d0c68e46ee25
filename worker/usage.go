package main

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/version"
)

const usageText = `Run the workflows and activities of sentinelone-provisioner until SIGTERM or SIGINT.
Then the worker finishes running activities or hands them over to another worker.

Usage:
  worker            run, configured by the environment variables below
  worker --help     print this help
  worker --version  print the version

Exit codes: 0 stopped by a signal, 1 failed, 2 wrong usage or configuration.
`

// printInfo handles the arguments: help, version, or a usage error.
func printInfo(args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 1 && (args[0] == "--help" || args[0] == "-h" || args[0] == "help"):
		_, _ = fmt.Fprint(stdout, usageText, "\n")
		printVariables(stdout, "Environment variables:", config.Variables())
		printVariables(stdout, "Temporal (the temporal CLI reads the same variables and configuration file):",
			config.TemporalVariables())
		printVariables(stdout, "Network (names in lower case count too):", config.NetworkVariables())
		printVariables(stdout, "Traces (standard variables of OpenTelemetry; docs/metrics.md):",
			config.TracingVariables())
		return exitDone
	case len(args) == 1 && (args[0] == "--version" || args[0] == "version"):
		_, _ = fmt.Fprintln(stdout, version.String())
		return exitDone
	}
	_, _ = fmt.Fprintf(stderr, "error: unexpected arguments %q: set environment variables instead (worker --help)\n",
		args)
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

// configError prints each fault of the configuration on its own line and returns the
// exit code. what names the part that is wrong.
func configError(stderr io.Writer, what string, err error) int {
	_, _ = fmt.Fprintf(stderr, "error: %s:\n", what)
	for _, fault := range config.Faults(err) {
		_, _ = fmt.Fprintf(stderr, "  - %s\n", describe.Error(fault.Error()))
	}
	return exitUsage
}
