package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

func confirmedBy(at time.Time, by string) access.Decision {
	return access.Decision{At: at, By: by, Signed: access.Unsigned}
}

// Who started a sync does not confirm its mass loss, in any spelling and under any rule.
func TestConfirm(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	at := since.Add(100 * time.Hour)
	const missing = "for 1 of 2 from soc, owners"
	one := policy.BuiltIn()
	two := parse(t, testGroups+"  - {name: a, autoApprove: true}\n"+
		"  - {name: c, for: [confirm], approvals: [{need: 2, from: [soc, owners]}]}\n")
	never := parse(t, testGroups+"  - {name: c, for: [confirm], when: weekday != \"monday\", deny: on mondays only}\n")
	for name, c := range map[string]struct {
		policy      *policy.Policy
		started, by string
		earlier     []access.Decision
		enough      bool
		refusal     string
		pending     string
	}{
		"another person":     {one, "bob@example.com", "ana@example.com", nil, true, "", ""},
		"of a schedule":      {one, "", "ana@example.com", nil, true, "", ""},
		"who started it":     {one, "bob@example.com", " Bob@Example.com\u200b", nil, false, "started this sync", ""},
		"who started it too": {two, "bob@example.com", "bob@example.com", nil, false, "started this sync", ""},
		"nobody":             {one, "bob@example.com", " ", nil, false, `"by" is missing`, ""},
		"one of two":         {two, "bob@example.com", "ana@example.com", nil, false, "", missing},
		"two of two": {
			two, "", "ana@example.com", []access.Decision{confirmedBy(at, "carol@example.com")}, true, "", "",
		},
		"twice the same": {
			two, "", "ana@example.com",
			[]access.Decision{confirmedBy(at, "Ana@example.com")},
			false,
			"has decided already", "",
		},
		"who started it before": {
			two, "bob@example.com", "ana@example.com",
			[]access.Decision{confirmedBy(at, "bob@example.com")},
			false, "",
			missing,
		},
		"of no group": {two, "", "erin@example.com", nil, false, "is not eligible", ""},
		"denied":      {never, "", "ana@example.com", nil, false, "on mondays only", ""},
	} {
		for i := range c.earlier {
			c.earlier[i].Action, c.earlier[i].PlanHash = "approve", "snapshot"
		}
		q := policy.Quarantine{Console: "c", Snapshot: "snapshot", StartedBy: c.started, Since: since}
		got, err := c.policy.Confirm(q, c.earlier, confirmedBy(at, c.by))
		require.NoError(t, err)
		require.Equal(t, c.enough, got.Enough, "%s: %s", name, got.Refusal)
		require.Contains(t, got.Refusal, c.refusal, name)
		require.Equal(t, c.refusal == "", got.Refusal == "", name)
		if !c.enough && c.refusal == "" {
			require.Equal(t, c.pending, got.Pending, name)
		}
	}
}
