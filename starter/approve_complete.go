package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/pending"
	"sentinelone-provisioner/internal/requestclient"
)

// completeFor is how long a shell may wait for ids.
const completeFor = 2 * time.Second

// completePending offers the shell the requests that a person can decide, or all pending ones
// if they can decide none. Errors are not reported: completion then has no candidates.
func (p *app) completePending(ctx context.Context, who string, given []string, typedText string) []string {
	ctx, cancel := context.WithTimeout(ctx, completeFor)
	defer cancel()
	cfg, err := config.LoadUnchecked()
	if err != nil {
		return nil
	}
	p.cfg = cfg
	host, err := p.configuredConsole()
	if err != nil {
		return nil
	}
	e, err := p.connect(ctx)
	if err != nil {
		return nil
	}
	defer e.Close()
	all, _ := pending.NewFinder(e.Connection, "", p.now).All(ctx, host) // what was found in time
	if mine := pending.EligibleOnly(slices.Clone(all), who); len(mine) > 0 {
		all = mine
	}
	var out []string
	for _, a := range all {
		short := requestclient.ShortID(a.ID)
		id := short
		if strings.HasPrefix(a.ID, typedText) && typedText != "" && !strings.HasPrefix(id, typedText) {
			id = a.ID // keep the typed prefix
		}
		if strings.HasPrefix(id, typedText) && !slices.Contains(given, a.ID) && !slices.Contains(given, short) {
			out = append(out, cobra.CompletionWithDesc(id, describe.Plan(*a.Status.Plan)))
		}
	}
	return out
}
