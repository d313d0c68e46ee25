//nolint:thelper // it is one of the subtests of TestConsent
package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/inbox"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/wire"
)

// consentHandedOver lets somebody decide for Erin whom no policy names. The command completes the
// status from the store. Without a database it finds what was planned since the delegation.
func consentHandedOver(t *testing.T, l *live) {
	const gina = "gina@example.com"
	t.Setenv("USER", "bob@example.com")
	l.waiting(t, "handed@example.com", "Admin", "HAND")
	require.Equal(t, exitDone, run(t, "approve", "HAND", "--by", carol, "--yes").code)
	require.Equal(t, exitDone, run(t, "approve", "HAND", "--by", dave, "--yes").code)
	cfg, err := config.LoadUnchecked()
	require.NoError(t, err)
	var said strings.Builder
	p := &app{out: &said, err: &said, now: time.Now, cfg: cfg}
	e, err := p.connect(t.Context())
	require.NoError(t, err)
	defer e.Close()
	d, err := p.newInboxBackend(t.Context(), e, gina, requestclient.Unsigned(p.now))
	require.NoError(t, err)
	has := func() bool {
		items, err := d.Pending(t.Context())
		require.NoError(t, err)
		return slices.ContainsFunc(items, func(i inbox.Item) bool { return i.ID == "grant/HAND" })
	}
	listed := func() string { return run(t, "requests", "--waiting-for", gina).out }
	require.False(t, has())
	require.NotContains(t, listed(), "grant/HAND")

	handed := run(t, "delegate", "--by", erin, "--to", gina, "--for", "7d")
	require.Equal(t, exitDone, handed.code, handed.errOut)
	require.Eventually(t, has, waitLimit, pollEvery)
	require.Contains(t, listed(), "grant/HAND")
	require.Regexp(t, `(?m)^HAND\t`, run(t, "__complete", "approve", "--by", gina, "H").out)
	detail, err := d.Detail(t.Context(), "grant/HAND")
	require.NoError(t, err)
	require.Empty(t, detail.Closed)
	require.Equal(t, []string{erin, gina + " for " + erin}, detail.Steps[1].People)
	require.Regexp(t, `(?m)pending for erin@example.com, gina@example.com for erin@example.com; 0 of 1 approvals`,
		run(t, "show", "HAND").out)

	refused := run(t, "approve", "HAND", "--by", "henk@example.com", "--yes")
	require.Equal(t, exitFailed, refused.code)
	require.Regexp(t, `(?m)^your decision +may not count: henk@example.com is not eligible to decide: `, refused.errOut)
	another := inbox.Decision{ID: "grant/HAND", Plan: strings.Repeat("0", 64), Action: inbox.Approve}
	_, err = d.Decide(t.Context(), another)
	require.ErrorContains(t, err, "the plan has changed since you read it, and nothing was sent")

	status := decode[wire.RequestStatus](t, run(t, "show", "HAND", "-o", "json"))
	require.Len(t, status.Approval.Delegates, 1)
	require.WithinDuration(t, time.Now().Add(7*24*time.Hour), status.Approval.Delegates[0].Until, time.Hour)
	weight := pendingDecision{action: "approve", in: wire.DecisionInput{By: gina}}.weight(status)
	require.Contains(t, weight, ", in the place of erin@example.com, whose delegation to you ends at ")
	taken, err := d.Decide(t.Context(), inbox.Decision{ID: "grant/HAND", Plan: detail.Plan, Action: inbox.Deny})
	require.NoError(t, err)
	require.Equal(t, "grant/HAND: deny by gina@example.com for erin@example.com (unsigned)", taken)
	require.False(t, has())

	l.waiting(t, "later@example.com", "Admin", "LATER")
	require.Equal(t, exitDone, run(t, "approve", "LATER", "--by", carol, "--yes").code)
	require.Equal(t, exitDone, run(t, "approve", "LATER", "--by", dave, "--yes").code)
	database := os.Getenv("DATABASE_URL")
	t.Setenv("DATABASE_URL", "sqlite:///nowhere/none.db")
	require.Contains(t, listed(), "grant/LATER")
	t.Setenv("DATABASE_URL", database)
	require.Equal(t, exitDone, run(t, "delegate", "--by", erin, "--to", gina, "--stop").code)
	require.NotContains(t, listed(), "grant/LATER")
}
