package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/otlpenv"
	"sentinelone-provisioner/internal/telemetry"
)

// app is one run of the command and what all commands share.
type app struct {
	out, err io.Writer
	in       io.Reader // where a yes is read
	now      func() time.Time
	output   format        // --output
	cfg      config.Config // loaded before a command runs, not yet validated
	traces   *telemetry.Traces
}

// action is what a command does once flags and environment are read.
type action func(ctx context.Context, args []string) error

// run makes an action cobra's: it reads the environment first and marks what
// comes back, so that the exit code can be told.
func (p *app) run(do action) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cfg, err := config.LoadUnchecked()
		if err != nil {
			return badConfiguration(err)
		}
		p.cfg = cfg
		unsent := make(chan error, 1) // told at the end: until then the screen may belong to the inbox
		p.traces, err = telemetry.StartTraces(cmd.Context(), "sentinelone-provisioner-starter", func(err error) {
			select {
			case unsent <- err:
			default:
			}
		})
		if err != nil {
			return badConfiguration(err)
		}
		for _, note := range otlpenv.Notes() {
			p.remark("note: %s", note)
		}
		ctx, end := p.traces.Span(cmd.Context(), cmd.CommandPath())
		err = do(ctx, args)
		end(err)
		failed := p.traces.Close()
		select {
		case failed = <-unsent:
			failed = fmt.Errorf("the spans of this command were not sent: %w", failed)
		default:
		}
		if failed != nil {
			p.remark("note: %v", failed)
		}
		return marked(err)
	}
}
