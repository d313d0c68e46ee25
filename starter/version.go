package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/version"
)

// build is the output for programs.
type build struct {
	Version string `json:"version"`
	Go      string `json:"go"`
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		// Not through run: it must work with any environment.
		RunE: func(*cobra.Command, []string) error {
			b := build{Version: version.String(), Go: runtime.Version()}
			if a.output.json {
				return marked(a.emitJSON(b))
			}
			writef(a.out, "starter %s (%s)\n", b.Version, b.Go)
			return nil
		},
	}
}
