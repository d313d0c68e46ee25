package describe_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

func TestApproval(t *testing.T) {
	t.Parallel()
	leads := access.ApprovalStep{Need: 1, Groups: []string{"leads"}}
	two := access.ApprovalStep{Need: 2, Groups: []string{"soc", "leads", "owners"}}
	hours := func(n int) access.Duration { return access.Duration(time.Duration(n) * time.Hour) }
	tests := map[string]access.Approval{
		`1 approval from leads, within 72h (rule "r")`: {
			Required: true, Rule: "r", Steps: []access.ApprovalStep{leads}, DecideWithin: hours(72),
		},
		`1 approval from leads, then 2 from soc, leads or owners, within 4h`: {
			Required: true, Steps: []access.ApprovalStep{leads, two}, DecideWithin: hours(4),
		},
		`starts at once and is ended unless 1 of leads reviews it within 4h (rule "r")`: {
			Rule: "r", Review: &access.Review{ApprovalStep: leads, Within: hours(4)},
		},
		`starts at once and is ended unless 2 of soc, leads or owners review it within 4h`: {
			Review: &access.Review{ApprovalStep: two, Within: hours(4)},
		},
		"no approval required: no rule of the policy matches": {},
		`no approval required (rule "r\x1b")`:                 {Rule: "r\x1b"},
		`refused: role a\x1b[2J`:                              {Required: true, Refusal: "role a\x1b[2J"},
	}
	for want, a := range tests {
		require.Equal(t, want, describe.Approval(a))
	}
}

func TestOr(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{
		"": nil, "a": {"a"}, "a or b": {"a", "b"}, "a, b or c": {"a", "b", "c"},
	} {
		require.Equal(t, want, describe.Or(names))
	}
}
