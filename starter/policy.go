package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/policy"
)

func newPolicyCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Check, explain and test a policy",
		Long: `Check a policy file, explain what it decides about a request, and list the past requests
that it would have ended differently. docs/policy.md describes the file.

These commands do not change the policy in use: the worker reads POLICY_FILE when it
starts, and a request keeps the policy that it was planned with.`,
		Example: `  starter policy check policy.yaml
  starter policy explain policy.yaml --request @request.json
  starter policy test policy.yaml --since 30d`,
	}
	cmd.AddCommand(newPolicyCheckCommand(a), newPolicyExplainCommand(a), newPolicyTestCommand(a))
	return onlySubcommands(cmd)
}

func newPolicyCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a policy file, and list every fault with its line",
		Long: "Check a policy file, and list every fault with its line. The exit code is 1 if there is one.\n" +
			policyFileHelp,
		Example: "  starter policy check policy.yaml",
		Args:    cobra.MaximumNArgs(1),
		RunE:    a.run(func(_ context.Context, args []string) error { return a.policyCheck(args) }),
	}
}

// policyCheckAnswer is the output for programs.
type policyCheckAnswer struct {
	File   string        `json:"file"` // "" for the built-in policy
	OK     bool          `json:"ok"`
	Hash   string        `json:"hash,omitempty"`
	Faults []policyFault `json:"faults"`
}

type policyFault struct {
	Line   int    `json:"line"`
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
}

func (p *app) policyCheck(args []string) error {
	path, checked, err := p.policyOf(args)
	found := policy.Faults(err)
	if err != nil && len(found) == 0 {
		return err
	}
	if !p.output.json {
		if err == nil {
			writef(p.out, "%s\n", checked)
		}
		return err
	}
	answer := policyCheckAnswer{File: path, OK: err == nil, Faults: []policyFault{}}
	if checked != nil {
		answer.Hash = checked.Hash()
	}
	for _, f := range found {
		answer.Faults = append(answer.Faults, policyFault{Line: f.Line, Column: f.Column, Text: f.Text})
	}
	return errors.Join(p.emitJSON(answer), err)
}
