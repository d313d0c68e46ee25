package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/version"
)

// build is the output for programs.
type build struct {
	Version string `json:"version"`
	Go      string `json:"go"`
}

func (p *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Version of this program",
		Args:  cobra.NoArgs,
		// Not through run: it must answer whatever the environment holds.
		RunE: func(*cobra.Command, []string) error {
			b := build{Version: version.String(), Go: runtime.Version()}
			if p.output.json {
				return marked(p.emitJSON(b))
			}
			fmt.Fprintf(p.out, "starter %s (%s)\n", b.Version, b.Go)
			return nil
		},
	}
}
