package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/config"
)

const about = `Manage role assignments in SentinelOne: sync, query, grant and revoke access, with an
audit trail. The worker executes what this command requests, and must be running for
everything that syncs or changes something.

  starter check               check that everything is set up
  starter sync --wait         read the console into the database
  starter access --user ana@example.com
  starter changes --since 7d
  starter drift               list access that no request explains
  starter grant --user ana@example.com --role SOC --scope "Acme / Berlin" --for 4h
  starter inbox               decide pending requests (or: approve ID, deny ID)
  starter requests            list requests and their outcome
  starter show ID             show one request with its evidence

Results go to standard output, notes and errors to standard error.
Exit codes: 0 done; 1 failed or refused; 2 usage error or bad configuration.`

func (p *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "starter",
		Short: "Manage role assignments in SentinelOne",
		Long: about + "\n\nEnvironment variables, the same as the worker's; each command reads those it needs:\n" +
			environment(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().VarP(&p.output, "output", "o", "output format")
	root.AddGroup(
		&cobra.Group{ID: groupSync, Title: "Sync:"},
		&cobra.Group{ID: groupQuery, Title: "Query:"},
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
		{groupQuery, newAccessCommand(p)},
		{groupQuery, newChangesCommand(p)},
		{groupQuery, newDriftCommand(p)},
		{groupQuery, newExportCommand(p)},
		{groupChange, p.grantCommand()},
		{groupChange, p.revokeCommand()},
		{groupDecide, p.approveCommand()},
		{groupDecide, p.denyCommand()},
		{groupDecide, newDelegateCommand(p)},
		{groupDecide, p.inboxCommand()},
		{groupChange, p.endCommand()},
		{groupChange, p.extendCommand()},
		{groupChange, p.cancelCommand()},
		{groupChange, newFreezeCommand(p)},
		{groupChange, newUnfreezeCommand(p)},
		{groupChange, newApplyCommand(p)},
		{groupChange, newUserCommand(p)},
		{groupChange, newServiceUserCommand(p)},
		{groupChange, newOffboardCommand(p)},
		{groupRecord, p.requestsCommand()},
		{groupRecord, p.showCommand()},
		{groupRecord, newLogsCommand(p)},
		{groupRecord, newLedgerCommand(p)},
		{groupRecord, newVerifyCommand(p)},
		{groupRecord, newKeysCommand(p)},
		{groupOther, newPolicyCommand(p)},
		{groupOther, newSignersCommand(p)},
		{groupOther, newCodecServerCommand(p)},
		{groupOther, newSupportBundleCommand(p)},
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
	groupQuery  = "query"
	groupChange = "change"
	groupDecide = "decide"
	groupRecord = "record"
	groupOther  = "other"
)

// everyVariable are all variables that the command reads.
func everyVariable() []config.Variable {
	return slices.Concat(config.Variables(), config.TemporalVariables(), config.NetworkVariables(),
		config.TracingVariables())
}

// environment is the table of variables, as the README has it.
func environment() string {
	var b strings.Builder
	for _, v := range everyVariable() {
		fmt.Fprintf(&b, "  %-38s %s", v.Name, v.Help)
		if v.Default != "" {
			fmt.Fprintf(&b, " (default %s)", v.Default)
		}
		b.WriteByte('\n')
	}
	return strings.TrimRight(b.String(), "\n")
}
