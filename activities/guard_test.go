package activities

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
		loss  store.Loss
		after int
		want  []string
	}{
		"nothing gone":             {store.Loss{What: "users", Before: 100}, 100, nil},
		"nothing before":           {store.Loss{What: "users"}, 0, nil},
		"ten of a few":             {store.Loss{What: "users", Before: 12, Gone: 10}, 2, nil},
		"eleven of a few":          {store.Loss{What: "users", Before: 12, Gone: 11}, 1, []string{"11 of 12 users would be gone (more than 25 %)"}},
		"exactly the share":        {store.Loss{What: "sites", Before: 100, Gone: 25}, 75, nil},
		"just above the share":     {store.Loss{What: "sites", Before: 100, Gone: 26}, 74, []string{"26 of 100 sites would be gone (more than 25 %)"}},
		"share of a large number":  {store.Loss{What: "assignments", Before: 130_000, Gone: 32_501}, 97_499, []string{"32501 of 130000 assignments would be gone (more than 25 %)"}},
		"few of many":              {store.Loss{What: "users", Before: 100_000, Gone: 11}, 99_989, nil},
		"all of a few":             {store.Loss{What: "accounts", Before: 1, Gone: 1}, 0, []string{"all 1 accounts would be gone"}},
		"all of a few, but others": {store.Loss{What: "accounts", Before: 1, Gone: 1}, 1, nil},
		"all of many":              {store.Loss{What: "users", Before: 50, Gone: 50}, 0, []string{"50 of 50 users would be gone (more than 25 %)"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := guard.reasons([]store.Loss{c.loss}, map[string]int{c.loss.What: c.after})
			require.Equal(t, c.want, got)
		})
	}
}

// Every loss is told, not only the first.
func TestGuard_TellsEveryLoss(t *testing.T) {
	t.Parallel()
	got := Guard{MaxPercent: 25, MinRows: 0}.reasons([]store.Loss{
		{What: "users", Before: 4, Gone: 2}, {What: "sites", Before: 4, Gone: 1}, {What: "assignments", Before: 9, Gone: 9},
	}, map[string]int{"users": 2, "sites": 3})
	require.Equal(t, []string{
		"2 of 4 users would be gone (more than 25 %)", "9 of 9 assignments would be gone (more than 25 %)",
	}, got)
}
