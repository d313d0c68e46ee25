package main

import (
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// syncFlags say which sync a command starts or schedules.
type syncFlags struct {
	id          string // of the workflow and of its schedule
	collections []string
}

func (o *syncFlags) flags(cmd *cobra.Command, idHelp string) {
	var all []string
	for _, c := range access.Collections() {
		all = append(all, string(c))
	}
	cmd.Flags().StringSliceVar(&o.collections, "collections", nil, "only these collections: "+strings.Join(all, ","))
	complete(cmd, "collections", all...)
	cmd.Flags().StringVar(&o.id, "id", "", idHelp)
}

// syncRequest checks the flags before anything is sent to Temporal. No collections mean
// all. The input names the console, if one is configured, so that the worker of another
// console refuses it.
func (p *app) syncRequest(o syncFlags) (id string, in wire.SyncInput, err error) {
	host, err := p.configuredConsole()
	if err != nil {
		return "", in, err
	}
	in.Console = host
	for _, name := range o.collections {
		in.Collections = append(in.Collections, strings.TrimSpace(name))
	}
	if _, err := access.ParseCollections(in.Collections); err != nil {
		return "", in, usage("--collections: %w", err)
	}
	id, err = p.syncID(o.id)
	return id, in, err
}

// idFlag is the flag that makes a command find the same sync; "" if none is needed.
func (p *app) idFlag(id string) string {
	if usual, err := p.syncID(""); err == nil && usual == id {
		return ""
	}
	return " --id " + id
}

// syncID is the workflow that a command is about: the flag, else the one of the
// configured console.
func (p *app) syncID(flag string) (string, error) {
	if kind := wire.OtherKind(flag, "sync"); kind != "" {
		return "", usage("invalid id %q: ids of workflows of kind %s begin so, and a sync under one would be taken "+
			"for such a workflow: choose another --id, as in sync/nightly", flag, kind)
	}
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
