package sync

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/store"
)

// A loss is held back when it is more than the share AND more than the rows
// allowed; losing everything is always held back.
func TestGuard(t *testing.T) {
	t.Parallel()
	guard := Guard{MaxPercent: 25, MinRows: 10}
	cases := map[string]struct {
		before, gone int
		after        int
		want         string // "" for none
	}{
		"nothing gone":             {100, 0, 100, ""},
		"nothing before":           {0, 0, 0, ""},
		"ten of a few":             {12, 10, 2, ""},
		"eleven of a few":          {12, 11, 1, "11 of 12 users would be gone (more than 25 %)"},
		"exactly the share":        {100, 25, 75, ""},
		"just above the share":     {100, 26, 74, "26 of 100 users would be gone (more than 25 %)"},
		"share of a large number":  {130_000, 32_501, 97_499, "32501 of 130000 users would be gone (more than 25 %)"},
		"few of many":              {100_000, 11, 99_989, ""},
		"all of a few":             {1, 1, 0, "all 1 users would be gone"},
		"all of a few, but others": {1, 1, 1, ""},
		"all of many":              {50, 50, 0, "50 of 50 users would be gone (more than 25 %)"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := guard.reasons(
				[]store.Loss{{What: "users", Before: c.before, Gone: c.gone}}, map[string]int{"users": c.after})
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.Equal(t, []string{c.want}, got)
		})
	}
}

// Every loss is told, not only the first.
func TestGuard_TellsEveryLoss(t *testing.T) {
	t.Parallel()
	got := Guard{MaxPercent: 25, MinRows: 0}.reasons([]store.Loss{
		{What: "users", Before: 4, Gone: 2},
		{What: "sites", Before: 4, Gone: 1},
		{What: "assignments", Before: 9, Gone: 9},
	}, map[string]int{"users": 2, "sites": 3})
	require.Equal(t, []string{
		"2 of 4 users would be gone (more than 25 %)", "9 of 9 assignments would be gone (more than 25 %)",
	}, got)
}
