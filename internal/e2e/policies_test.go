package e2e

import "strings"

// Policies that workers of tests follow, beside testbed.AutoApprove. Bob is the requester
// in tests, and a lead in some of them: his decision must not count.
const (
	twoOfThreeLeadsPolicy = `
groups:
  leads: [carol@example.com, bob@example.com, dave@example.com]
rules:
  - name: ask
    permanent: true
    maxDuration: 8h
    decideWithin: 1h
    approvals: [{need: 2, from: [leads]}]
`
	oneLeadPolicy = `
groups: {leads: [carol@example.com, dave@example.com]}
rules: [{name: one, permanent: true, approvals: [{need: 1, from: [leads]}]}]
`
	twoLeadsPolicy = `
groups: {leads: [carol@example.com, dave@example.com]}
rules: [{name: two, permanent: true, approvals: [{need: 2, from: [leads]}]}]
`
	reminderPolicy = `
groups:
  leads: [carol@example.com, dave@example.com]
  bosses: [dora@example.com]
rules:
  - name: ask
    remindEvery: 1s
    escalateAfter: 3s
    escalateTo: [bosses]
    approvals: [{need: 1, from: [leads]}]
`
)

// breakGlassPolicy applies a break-glass request at once, and releases it unless one lead
// reviews it within a time. Requests of eve@example.com are not allowed break-glass.
func breakGlassPolicy(reviewWithin string) string {
	return strings.Replace(`
groups:
  leads: [carol@example.com, bob@example.com, dave@example.com]
rules:
  - name: no-break-glass
    when: requester == "eve@example.com"
    approvals: [{need: 1, from: [leads]}]
  - name: break-glass
    permanent: true
    maxDuration: 8h
    approvals: [{need: 2, from: [leads]}]
    breakGlass:
      reviewWithin: WITHIN
      reviewers: {need: 1, from: [leads]}
`, "WITHIN", reviewWithin, 1)
}
