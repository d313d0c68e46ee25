package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/textfile"
)

// policyExplainCommand explains what a policy decides about one request.
type policyExplainCommand struct {
	*app

	request string // --request
}

func newPolicyExplainCommand(a *app) *cobra.Command {
	c := &policyExplainCommand{app: a}
	cmd := &cobra.Command{
		Use:   "explain [FILE] --request JSON",
		Short: "Explain what a policy decides about a request",
		Long: `Explain what a policy decides about a request: who must approve and by when, what is
refused, and which rules matched. ` + policyFileHelp + `

The request is the input of a Grant, as JSON or as @FILE. The console is not read, so the
request must contain what conditions use: role.id, role.name, role.predefined,
principal.email, scope.account, and for separation of duties the roles that the principal
holds (before) with their names (roleNames). Also accepted: breakGlass; now, for policies
with conditions on the time; and op, the kind of request: grant, revoke, createUser,
createServiceUser, offboard (with mode delete or baseline), extend (its duration is the time
from the start of the grant to the new end), confirm (a quarantined sync) or unfreeze.`,
		Example: `  starter policy explain policy.yaml --request '{
    "principal": {"kind": "user", "email": "ana@example.com"}, "role": {"name": "SOC"},
    "scope": {"level": "site", "id": "201"}, "requester": "bob@example.com", "duration": "4h"}'
  starter policy explain --request @request.json -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.run(func(_ context.Context, args []string) error { return c.execute(args) }),
	}
	cmd.Flags().StringVar(&c.request, "request", "", "the request: JSON, or @FILE that contains it")
	return cmd
}

// explained is a question as people write it: with what a Grant takes beside it.
type explained struct {
	policy.Input

	Reason  string     `json:"reason"`
	StartAt *time.Time `json:"startAt"`
	Console string     `json:"console"`
	DryRun  bool       `json:"dryRun"`
	// Drift is the kind of drift, where the question is about access that no request explains.
	Drift drift.Kind `json:"drift"`
}

// policyExplainAnswer is the output for programs.
type policyExplainAnswer struct {
	Policy string `json:"policy"`
	policy.Result
}

// driftExplainAnswer is the output for programs about access that no request explains.
type driftExplainAnswer struct {
	Policy string `json:"policy"`
	policy.DriftDecision

	After string `json:"after,omitempty"` // from when it was first seen
	// Revert is what the revoke needs; nil unless the rule reverts.
	Revert *policy.Result `json:"revert,omitempty"`
}

func (c *policyExplainCommand) execute(args []string) error {
	q, kind, err := c.input()
	if err != nil {
		return usage("--request: %w", err)
	}
	_, checked, err := c.policyOf(args)
	if err != nil {
		return err
	}
	if kind != "" {
		return c.explainDrift(checked, kind, q)
	}
	answer, err := checked.Evaluate(q)
	if err != nil {
		return usage("--request: %w", err)
	}
	if c.output.json {
		return c.emitJSON(policyExplainAnswer{Policy: checked.Name(), Result: answer})
	}
	c.remark("%s", checked)
	c.emitTable(nil, explanation(answer))
	return nil
}

// explainDrift answers what the drift rules do about access that no request explains.
func (c *policyExplainCommand) explainDrift(p *policy.Policy, kind drift.Kind, q policy.Input) error {
	if q.Principal.Kind == "" || q.Scope.Level == "" {
		return usage("--request: drift needs principal.kind and scope.level: add them")
	}
	said := p.Drift(string(kind), q)
	answer := driftExplainAnswer{Policy: p.Name(), DriftDecision: said}
	rows := [][]string{{"answer", fmt.Sprintf("%s (no drift rule matches)", said.Action)}}
	switch {
	case said.Rule != "":
		rows[0][1] = fmt.Sprintf("%s (drift rule %q)", said.Action, said.Rule)
	case said.Why != "":
		rows[0][1] = fmt.Sprintf("%s (%s)", said.Action, said.Why)
	}
	if said.Action != policy.DriftReport {
		answer.After = access.Duration(said.After).String()
		rows = append(rows, []string{"after", answer.After + " from when it was first seen"})
	}
	if said.Action == policy.DriftRevert {
		answer.Revert = new(p.Revert(said.Rule, q))
		rows = append(rows, []string{"revoke", answer.Revert.Approval.Policy})
		for i, s := range answer.Revert.Approval.Steps {
			rows = append(rows, []string{fmt.Sprintf("step %d", i+1), stepPeople(s)})
		}
		rows = append(rows, []string{"last role", lastRoleText(answer.Revert.Rules)})
	}
	if c.output.json {
		return c.emitJSON(answer)
	}
	c.remark("%s", p)
	c.emitTable(nil, rows)
	return nil
}

// requestText is what --request holds or names; from names the file, for messages.
func (c *policyExplainCommand) requestText() (data []byte, from string, err error) {
	text := strings.TrimSpace(c.request)
	path, file := strings.CutPrefix(text, "@")
	if !file {
		data, err = textfile.UTF8([]byte(text))
		return data, "", err
	}
	if data, err = os.ReadFile(path); err != nil {
		return nil, "", fmt.Errorf("cannot read the request: %w", err)
	}
	if data, err = textfile.UTF8(data); err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return data, " in " + path, nil
}

// input reads --request and fills in what follows from it.
func (c *policyExplainCommand) input() (policy.Input, drift.Kind, error) {
	data, from, err := c.requestText()
	if err != nil {
		return policy.Input{}, "", err
	}
	if data = bytes.TrimSpace(data); len(data) == 0 {
		return policy.Input{}, "", fmt.Errorf("empty request%s: write JSON, or @FILE", from)
	}
	if data[0] != '{' {
		return policy.Input{}, "", fmt.Errorf("the request%s is not a JSON object, which begins with {: "+
			"write JSON, or @FILE that contains it", from)
	}
	in := explained{Input: policy.Input{Now: c.now().UTC()}}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return policy.Input{}, "", fmt.Errorf("invalid request%s: %w", from, err)
	}
	if err := decoder.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return policy.Input{}, "", errors.New("unexpected text after the request: pass one JSON object")
	}
	q, said := in.Input, in.LevelChange
	if len(q.After.Held) == 0 {
		q = q.WithHoldings(q.Before)
	}
	q.LevelChange = q.LevelChange || said
	switch in.Drift {
	case "", drift.Unexplained, drift.Unauthorized:
		return q, in.Drift, nil
	default:
		return policy.Input{}, "", fmt.Errorf("drift is %q: write unexplained or unauthorized; overdue access is "+
			"always released", in.Drift)
	}
}

// explanation is the answer as labelled lines.
func explanation(a policy.Result) [][]string {
	rows := [][]string{{"answer", a.Approval.Policy}}
	add := func(label, format string, args ...any) {
		rows = append(rows, []string{label, fmt.Sprintf(format, args...)})
	}
	for i, s := range a.Approval.Steps {
		add(fmt.Sprintf("step %d", i+1), "%s", stepPeople(s))
	}
	if r := a.Approval.Review; r != nil {
		add("review", "%s", stepPeople(r.ApprovalStep))
	}
	if d := a.Approval.RemindEvery; d > 0 {
		add("reminded", "every %s", d)
	}
	if d := a.Approval.ValidFor; d > 0 {
		add("applied", "within %s of the last approval", d)
	}
	if d := a.Approval.EscalateAfter; d > 0 {
		add("escalated", "after %s to %s", d, strings.Join(a.Approval.EscalateTo, ", "))
	}
	if a.Refusal == "" {
		if d := a.Approval.MaxDuration; d > 0 {
			add("at most", "%s, extensions included", d)
		}
		add("last role", "%s", lastRoleText(a.Rules))
	}
	for _, why := range a.Explanation[:len(a.Explanation)-1] { // the last one is the answer
		add("because", "%s", why)
	}
	return rows
}

func stepPeople(s access.ApprovalStep) string {
	need := describe.Plural(s.Need, "approval")
	if s.Anyone() {
		return need + " from anyone but the requester and the recipient"
	}
	return fmt.Sprintf("%s from %s: %s", need, strings.Join(s.Groups, ", "), strings.Join(s.People, ", "))
}

func lastRoleText(r access.Rules) string {
	if r.Downgrade == nil {
		return string(r.LastRole)
	}
	return fmt.Sprintf("%s to role %s at %s", r.LastRole, r.Downgrade.RoleID, r.Downgrade.Scope())
}
