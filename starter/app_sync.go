package main

import (
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

func collectionsFlag(cmd *cobra.Command, into *[]string) {
	var all []string
	for _, c := range access.Collections() {
		all = append(all, string(c))
	}
	cmd.Flags().StringSliceVar(into, "collections", nil, "only these collections: "+strings.Join(all, ","))
	complete(cmd, "collections", all...)
}

// syncInput checks the names before anything is asked of Temporal. None mean all. It
// names the console, if one is configured here, so that a worker of another refuses.
func (p *app) syncInput(names []string) (wire.SyncInput, error) {
	host, err := p.configuredConsole()
	if err != nil {
		return wire.SyncInput{}, err
	}
	in := wire.SyncInput{Console: host}
	for _, name := range names {
		in.Collections = append(in.Collections, strings.TrimSpace(name))
	}
	if _, err := access.ParseCollections(in.Collections); err != nil {
		return in, usage("--collections: %w", err)
	}
	return in, nil
}

// summary is what Temporal's UI shows beside a sync. It is not encrypted.
func summary(in wire.SyncInput) string {
	if len(in.Collections) == 0 {
		return "sync of everything"
	}
	return "sync of " + strings.Join(in.Collections, ", ")
}

// idFlag is what to add to a command so that it finds the same sync.
func (p *app) idFlag(id string) string {
	if usual, err := p.syncID(""); err == nil && usual == id {
		return ""
	}
	return " --id " + id
}

// syncID is the workflow a command is about: the flag, else the customary one of
// the configured console.
func (p *app) syncID(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	host, err := p.configuredConsole()
	if err != nil {
		return "", err
	}
	if host == "" {
		return "", usage("console unknown: set SENTINELONE_BASE_URL, or pass the workflow id with --id")
	}
	return wire.SyncID(host), nil
}
