package main

import "github.com/spf13/cobra"

// consoleFlag is for databases that hold several consoles.
func consoleFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "console", "",
		"host of the console (default: from SENTINELONE_BASE_URL, else the only one in the database)")
}

// complete offers the values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	fixed := cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	// The only errors are a missing flag and a second registration.
	if err := cmd.RegisterFlagCompletionFunc(flag, fixed); err != nil {
		cmd.PrintErrln(err)
	}
}
