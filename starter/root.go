package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/config"
)

const about = `Who can do what in a SentinelOne console: sync it durably, ask, and change it with
proof. This command asks; the worker does, and must be running for whatever syncs or
changes something.

  starter check               is everything in place?
  starter sync --wait         read the console into the store
  starter access --user ana@example.com
  starter changes --since 7d
  starter grant --user ana@example.com --role SOC --scope "Acme / Berlin" --for 4h
  starter inbox               what waits for your yes or no (or: approve ID, deny ID)
  starter requests            what was asked for, and what became of it
  starter show ID             everything about one request, with its evidence

What you ask for goes to standard output, remarks about it to standard error.
Exit codes: 0 done; 1 failed or refused; 2 asked wrongly, or bad configuration.`

func (p *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "starter",
		Short:         "Sync a SentinelOne console, ask who can do what, and change it",
		Long:          about + "\n\nEnvironment, as for the worker; a command uses what it needs:\n" + environment(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().VarP(&p.output, "output", "o", "table for people, json for programs")
	root.AddGroup(
		&cobra.Group{ID: groupSync, Title: "Sync:"},
		&cobra.Group{ID: groupAsk, Title: "Ask:"},
		&cobra.Group{ID: groupChange, Title: "Change:"},
		&cobra.Group{ID: groupDecide, Title: "Decide:"},
		&cobra.Group{ID: groupRecord, Title: "Requests and evidence:"},
		&cobra.Group{ID: groupOther, Title: "Other:"},
	)
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	for _, add := range []struct {
		group   string
		command *cobra.Command
	}{
		{groupSync, newCheckCommand(p)},
		{groupSync, newSyncCommand(p)},
		{groupSync, newStatusCommand(p)},
		{groupSync, p.confirmCommand()},
		{groupSync, p.discardCommand()},
		{groupSync, newScheduleCommand(p)},
		{groupAsk, newAccessCommand(p)},
		{groupAsk, newChangesCommand(p)},
		{groupAsk, newExportCommand(p)},
		{groupChange, p.grantCommand()},
		{groupChange, p.revokeCommand()},
		{groupDecide, p.approveCommand()},
		{groupDecide, p.denyCommand()},
		{groupDecide, newDelegateCommand(p)},
		{groupDecide, p.inboxCommand()},
		{groupChange, p.endCommand()},
		{groupChange, p.extendCommand()},
		{groupChange, p.cancelCommand()},
		{groupChange, newApplyCommand(p)},
		{groupChange, newUserCommand(p)},
		{groupChange, newServiceUserCommand(p)},
		{groupChange, newOffboardCommand(p)},
		{groupRecord, p.requestsCommand()},
		{groupRecord, p.showCommand()},
		{groupRecord, newLedgerCommand(p)},
		{groupRecord, newVerifyCommand(p)},
		{groupOther, newPolicyCommand(p)},
		{groupOther, newVersionCommand(p)},
	} {
		add.command.GroupID = add.group
		root.AddCommand(add.command)
	}
	complete(root, "output", "table", "json")
	return root
}

const (
	groupSync   = "sync"
	groupAsk    = "ask"
	groupChange = "change"
	groupDecide = "decide"
	groupRecord = "record"
	groupOther  = "other"
)

// environment is the table of variables, as the README has it.
func environment() string {
	var b strings.Builder
	for _, v := range append(config.Variables(), config.TemporalVariables()...) {
		fmt.Fprintf(&b, "  %-38s %s", v.Name, v.Help)
		if v.Default != "" {
			fmt.Fprintf(&b, " (default %s)", v.Default)
		}
		b.WriteByte('\n')
	}
	return strings.TrimRight(b.String(), "\n")
}
