package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// The errors of cobra about flags and arguments. They have no types.
var (
	missingFlags  = regexp.MustCompile(`^required flag\(s\) (.+) not set$`)
	missingChoice = regexp.MustCompile(`^at least one of the flags in the group \[(.+)\] is required$`)
	clashingFlags = regexp.MustCompile(
		`^if any flags in the group .+ none of the others can be; \[(.+)\] were all set$`)
	argumentCount = regexp.MustCompile(`^(?:accepts|requires) .* (?:received|receives?) (\d+)$`)
	unknownWord   = regexp.MustCompile(`^unknown command ("(?:[^"\\]|\\.)*") for `)
)

// clearUsage rewrites an error of cobra about a command line, so that it names the flags and
// says what to do next. Errors of our own commands stay as they are.
func clearUsage(cmd *cobra.Command, err error) error {
	if err == nil || isOurs(err) {
		return err
	}
	text, help := err.Error(), fmt.Sprintf("see `%s --help`", cmd.CommandPath())
	switch {
	case missingFlags.MatchString(text):
		names := strings.ReplaceAll(missingFlags.FindStringSubmatch(text)[1], `"`, "")
		return fmt.Errorf("missing %s: %s", dashed(strings.Split(names, ", "), "and"), help)
	case missingChoice.MatchString(text):
		flags := strings.Fields(missingChoice.FindStringSubmatch(text)[1])
		return fmt.Errorf("missing %s: %s", dashed(flags, "or"), help)
	case clashingFlags.MatchString(text):
		return fmt.Errorf("%s exclude each other: pass one of them",
			dashed(strings.Fields(clashingFlags.FindStringSubmatch(text)[1]), "and"))
	case argumentCount.MatchString(text):
		return fmt.Errorf("wrong number of arguments (%s): write `%s`", argumentCount.FindStringSubmatch(text)[1],
			strings.TrimSuffix(cmd.UseLine(), " [flags]"))
	case unknownWord.MatchString(text) && !cmd.HasSubCommands():
		return fmt.Errorf("unexpected argument %s: %s", unknownWord.FindStringSubmatch(text)[1], help)
	case unknownWord.MatchString(text):
		return fmt.Errorf("unknown command %s: %s", unknownWord.FindStringSubmatch(text)[1], suggested(text, help))
	case strings.HasPrefix(text, "unknown "):
		return fmt.Errorf("%s: %s", text, help)
	}
	return err
}

// suggested is the similar commands that cobra lists, or help if it lists none.
func suggested(text, help string) string {
	_, similar, found := strings.Cut(text, "Did you mean this?")
	if !found {
		return help
	}
	return "did you mean " + strings.Join(strings.Fields(similar), " or ") + "?"
}

// isOurs reports whether a command returned the error, and not cobra.
func isOurs(err error) bool {
	_, failed := errors.AsType[*failure](err)
	_, misused := errors.AsType[*misuse](err)
	return failed || misused
}

// dashed is "--role, --scope and --user".
func dashed(names []string, last string) string {
	for i := range names {
		names[i] = "--" + names[i]
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + last + " " + names[len(names)-1]
}

// onlySubcommands makes a command that has only subcommands reject any other word. Cobra
// prints its help with exit code 0 instead.
func onlySubcommands(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}
