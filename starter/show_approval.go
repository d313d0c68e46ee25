package main

import (
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/requestrecord"
)

// approvalFacts are the policy rule, each step with its decisions and remaining approvers,
// and what approvers narrowed.
func approvalFacts(r requestrecord.Record) [][]string {
	var facts [][]string
	if a := r.Plan.Approval; a.Hash != "" {
		rule := "no rule"
		if a.Rule != "" {
			rule = fmt.Sprintf("rule %q", a.Rule)
		}
		facts = append(facts, []string{"policy", rule + " of the " + policyNamed(a.Hash)})
	}
	for i, s := range r.Steps() {
		name := fmt.Sprintf("step %d", i+1)
		if s.Review {
			name = "review"
		}
		lines := []string{stepText(r, s)}
		for _, d := range s.Decisions {
			lines = append(lines, d.Line())
		}
		if s.Open != nil {
			lines = append(lines, openStepText(r, *s.Open))
		}
		facts = append(facts, list(name, lines)...)
	}
	if text := requestrecord.Narrowed(r.CurrentDecisions()); text != "" {
		facts = append(facts, []string{"narrowed", text})
	}
	if x := r.PendingExtension(); x != nil {
		a := x.Approval
		facts = append(facts, []string{"extension", fmt.Sprintf(
			"until %s, requested by %s; pending for %s from %s, until %s",
			describe.Second(x.Asked.EndsAt), describe.Person(x.Asked.By), describe.Plural(a.Need-a.Given, "approval"),
			strings.Join(a.From, ", "), describe.Second(a.Until))})
	}
	if n := r.Outdated(); n > 0 {
		facts = append(facts, []string{
			"earlier", describe.Plural(n, "decision") + " on an earlier plan, which no longer count",
		})
	}
	return facts
}

// stepText is "2 approvals from leads: carol@example.com, bob@example.com".
func stepText(r requestrecord.Record, s requestrecord.Step) string {
	text := fmt.Sprintf("%s from %s", describe.Plural(s.Need, "approval"), strings.Join(s.Groups, ", "))
	if s.Anyone() {
		return text + except(r)
	}
	return text + ": " + strings.Join(s.People, ", ")
}

// except is " but bob@example.com and ana@example.com": those whose decisions never count.
func except(r requestrecord.Record) string {
	var names []string
	for _, who := range r.Excluded() {
		names = append(names, describe.Person(who))
	}
	return " but " + strings.Join(names, " and ")
}

// openStepText is who may decide the open step, its approvals so far, and its deadline.
func openStepText(r requestrecord.Record, open requestrecord.OpenStep) string {
	who := access.Anyone + except(r)
	if !open.Anyone {
		who = strings.Join(open.Approvers, ", ")
	}
	until := "until "
	if open.Estimated {
		until += "about "
	}
	return fmt.Sprintf("pending for %s; %d of %d approvals, %s%s",
		who, open.Given, open.Need, until, describe.Second(open.Deadline))
}

// policyNamed is the policy with that hash.
func policyNamed(hash string) string {
	if hash == policy.BuiltIn().Hash() {
		return "built-in policy"
	}
	return "file with SHA-256 " + hash
}
