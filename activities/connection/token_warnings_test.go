package connection

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// Each token is warned of once for each threshold, the worker's own and those of service users; an end that moves is
// another token. A warning that cannot be announced is announced by the next check.
func TestCheck_WarnsOfTokens(t *testing.T) {
	t.Parallel()
	start := time.Now().UTC().Truncate(time.Second)
	own, ci := start.AddDate(0, 0, 40), start.AddDate(0, 0, 20)
	f := newFixture(t, consoletest.Options{TokenExpiresAt: own})
	var got []string
	var fails error
	f.checks.Warning(func(_ context.Context, in wire.AnnounceInput) error {
		if fails == nil {
			require.Equal(t, wire.EventTokenExpires, in.Event.Type)
			got = append(got, fmt.Sprintf("%s %d %d", in.Event.Step, in.Event.Number, in.Event.Entry))
		}
		return fails
	})
	after := func(days int, want ...string) {
		t.Helper()
		got = nil
		f.clock = start.AddDate(0, 0, days)
		f.check()
		require.Equal(t, want, got)
	}
	f.clock = start
	f.sync("s1", serviceUser("501", ci), serviceUser("502", start.AddDate(1, 0, 0)))
	warning := func(id string, days int, ends time.Time) string {
		return fmt.Sprintf("%s %d %d", id, days, ends.Unix())
	}
	fails = errors.New("Temporal is away")
	after(0)
	fails = nil
	after(0, warning("501", 30, ci))
	after(1)
	after(10, warning("", 30, own), warning("501", 14, ci))
	after(17, warning("501", 3, ci))
	after(19, warning("501", 1, ci))
	f.sync("s2", serviceUser("501", ci.AddDate(0, 0, 10)))
	after(20, warning("501", 14, ci.AddDate(0, 0, 10)))
	after(26, warning("", 14, own))
	after(31)
}

// When many are due at once, they are spread over the checks.
func TestCheck_WarningsAreSpread(t *testing.T) {
	t.Parallel()
	f := newFixture(t, consoletest.Options{})
	told := 0
	f.checks.Warning(func(context.Context, wire.AnnounceInput) error { told++; return nil })
	var all []access.Entity
	for n := range 25 {
		all = append(all, serviceUser(fmt.Sprint(600+n), f.clock.AddDate(0, 0, 10)))
	}
	f.sync("s1", all...)
	for _, want := range []int{10, 20, 25, 25} {
		f.check()
		require.Equal(t, want, told)
		f.clock = f.clock.Add(5 * time.Minute)
	}
}
