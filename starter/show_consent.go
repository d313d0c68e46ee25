package main

import (
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/pending"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/wire"
)

// consentFacts say by which rule people are asked, what they have said in each step, and
// who is still asked.
func (d requestRecord) consentFacts() [][]string {
	if d.plan == nil {
		return nil
	}
	a := d.plan.Approval
	var facts [][]string
	if a.Hash != "" {
		rule := "no rule"
		if a.Rule != "" {
			rule = fmt.Sprintf("rule %q", a.Rule)
		}
		facts = append(facts, []string{"policy", rule + " of the " + policyNamed(a.Hash)})
	}
	said := d.currentDecisions()
	asked, ok := d.pending()
	for i, s := range approval.Of(*d.plan, d.plannedAt).Steps {
		name := fmt.Sprintf("step %d", i+1)
		if a.Review != nil {
			name = "review"
		}
		lines := []string{d.stepText(s)}
		for _, v := range said {
			if v.Step == i {
				lines = append(lines, fmt.Sprintf("%s on %s: %s", v.By, describe.Second(v.At), v.said()))
			}
		}
		if ok && asked.Step == i {
			lines = append(lines, d.pendingText(asked))
		}
		facts = append(facts, list(name, lines)...)
	}
	if text := narrowedText(said); text != "" {
		facts = append(facts, []string{"narrowed", text})
	}
	if n := d.outdated(); n > 0 {
		facts = append(facts, []string{
			"earlier", describe.Plural(n, "decision") + " on an earlier plan, which no longer count",
		})
	}
	return facts
}

// stepText is "2 of leads: carol@example.com, bob@example.com".
func (d requestRecord) stepText(s access.ApprovalStep) string {
	text := fmt.Sprintf("%d of %s", s.Need, strings.Join(s.Groups, ", "))
	if s.Anyone() {
		return text + d.butThese()
	}
	return text + ": " + strings.Join(s.People, ", ")
}

// butThese are the two who never count.
func (d requestRecord) butThese() string {
	text := " but " + orUnknown(d.requester())
	if mail := d.plan.Principal.Email; mail != "" && access.Fold(mail) != access.Fold(d.requester()) {
		text += " and " + mail
	}
	return text
}

// pendingText is who may decide the open step, how many more are needed, and until when.
func (d requestRecord) pendingText(p pendingApproval) string {
	open, _ := p.OpenStep()
	left := access.Anyone + d.butThese()
	if !open.Anyone {
		left = strings.Join(pending.Approvers(p.State, p.delegations), ", ")
	}
	until := "until "
	if p.about {
		until += "about "
	}
	return fmt.Sprintf("still asked: %s; %d of %d given, %s%s",
		left, open.Given, open.Need, until, describe.Second(p.Deadline))
}

// narrowedText is what approvals have left of what was asked for; "" if all of it.
func narrowedText(said []decisionRecord) string {
	var last decisionRecord
	var by []string
	for _, v := range said {
		if v.Action != wire.ApproveUpdate || v.narrowed() == "" {
			continue
		}
		if by = append(by, v.By); v.Duration > 0 {
			last.Duration = v.Duration
		}
		if !v.StartAt.IsZero() {
			last.StartAt = v.StartAt
		}
	}
	if len(by) == 0 {
		return ""
	}
	return last.narrowed() + ", by " + strings.Join(by, " and ")
}

// outdated counts the decisions on plans that have changed since.
func (d requestRecord) outdated() int {
	n := 0
	for _, v := range d.decisionRecords() {
		if v.Refusal == "" && !d.current(v) {
			n++
		}
	}
	return n
}

// policyNamed is the policy with that hash.
func policyNamed(hash string) string {
	if hash == policy.BuiltIn().Hash() {
		return "policy that is built in"
	}
	return "file with SHA-256 " + hash
}
