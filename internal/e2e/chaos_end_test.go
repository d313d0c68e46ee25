package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// heal makes everything well that the faults have left: the actors have ended, and with them what they did.
func (c *chaos) heal() {
	c.console.ClearFaults()
	if c.postgres != nil && !c.postgres.Running() {
		c.deeds.note("PostgreSQL starts again: %v", c.postgres.Restart())
	}
	c.deeds.note("everything is healed")
}

// requireHealed waits for what must end, and judges the console by its own log and state.
func (c *chaos) requireHealed() {
	c.t.Helper()
	healed := time.Now()
	c.eventually("access that should be gone", c.overdueRoles)
	c.t.Logf("no access was overdue %s after all was healed", time.Since(healed).Round(time.Second))
	c.unpauseAll()
	c.eventually("requests that should be closed", c.openRequests)
	c.t.Logf("no request was open %s after all was healed", time.Since(healed).Round(time.Second))
	c.eventually("permanent roles that are not settled", c.unsettledRoles)
	require.Empty(c.t, c.wrongPermanentRoles(), "permanent roles that should be there, or should not")
	require.Empty(c.t, c.overdueRoles(), "access has come back")
	c.requireWritesOnRecord()
	c.requireNothingRemovedEarly()
	got := c.command("ledger", "verify")
	require.Zero(c.t, got.code, got.stdout+got.stderr)
	c.requireExplained()
	c.t.Log(c.summary())
}

// eventually waits until a list is empty.
func (c *chaos) eventually(what string, list func() []string) {
	c.t.Helper()
	var last []string
	defer func() { c.t.Logf("%s, at last:\n%s", what, strings.Join(last, "\n")) }()
	require.EventuallyWithT(c.t, func(t *assertT) {
		left := list()
		if len(left) > 0 {
			last = left
		}
		require.Empty(t, left, "%s, and they stay:\n%s", what, strings.Join(left, "\n"))
	}, c.o.settles, time.Second)
}

// command runs our command with the right payload keys.
func (c *chaos) command(args ...string) commandResult {
	c.t.Helper()
	return runProgram(c.t, append(c.env(), c.keys.env()...), programs.Starter, args...)
}

// overdueRoles are time-bound roles on the console: all of them have ended.
func (c *chaos) overdueRoles() (out []string) {
	for _, u := range c.users {
		for _, h := range minus(c.world.HoldingsOf(u.Kind, u.ID), u.Holdings()) {
			if h.ScopeID != c.permanentSite() {
				out = append(out, fmt.Sprintf("user %s holds %s at site %s", u.ID, h.RoleID, h.ScopeID))
			}
		}
	}
	return out
}

// openRequests are the grants and revokes that Temporal has not closed.
func (c *chaos) openRequests() (out []string) {
	ctx, stop := context.WithTimeout(c.t.Context(), chaosCall)
	defer stop()
	all, err := c.openWorkflows(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	for _, x := range all {
		if id := x.GetExecution().GetWorkflowId(); x.GetType().GetName() != wire.PrincipalType {
			out = append(out, fmt.Sprintf("%s: %s; it waits for %s", id, c.deeds.tamperedWith(id), c.pending(ctx, id)))
		}
	}
	return out
}

// pending are the activities that a workflow waits for, as Temporal has them.
func (c *chaos) pending(ctx context.Context, id string) string {
	is, err := c.client.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(is.GetPendingActivities(), is.GetPendingWorkflowTask())
}

// unpauseAll is an operator's: the requests go on whose activities somebody has paused.
func (c *chaos) unpauseAll() {
	c.t.Helper()
	all, err := c.openWorkflows(c.ctx())
	require.NoError(c.t, err)
	for _, x := range all {
		is, err := c.client.DescribeWorkflowExecution(c.ctx(), x.GetExecution().GetWorkflowId(), "")
		require.NoError(c.t, err)
		require.NoError(c.t, c.unpauseActivities(c.ctx(), is))
	}
}

// unsettledRoles are permanent roles whose last request is still under way.
func (c *chaos) unsettledRoles() (out []string) {
	for _, p := range c.permanent {
		if p.open != "" {
			c.learnPermanent(c.t.Context(), p)
		}
		if p.open != "" {
			out = append(out, p.open)
		}
	}
	return out
}

// wrongPermanentRoles are those that differ from what the people were told.
func (c *chaos) wrongPermanentRoles() (out []string) {
	for _, p := range c.permanent {
		holds := c.world.HoldingsOf(p.user.Kind, p.user.ID).Holds(p.held)
		if !p.unknown && holds != p.has {
			out = append(out, fmt.Sprintf("user %s: is there: %t; should be: %t", p.user.ID, holds, p.has))
		}
	}
	for _, u := range c.users {
		if !c.world.HoldingsOf(u.Kind, u.ID).Holds(c.viewer) {
			out = append(out, "user "+u.ID+" has lost the role from before us")
		}
	}
	return out
}

// byAPI are the changes that the console's own log has of us.
func (c *chaos) byAPI() (out []consoletest.Change) {
	for _, x := range c.console.Changes() {
		if x.By == consoletest.ByAPI {
			out = append(out, x)
		}
	}
	return out
}

// requireWritesOnRecord checks that the ledger knew of each write before the console did.
func (c *chaos) requireWritesOnRecord() {
	c.t.Helper()
	recorded := map[string][]ledger.Write{}
	for _, e := range c.allEntries() {
		if e.Kind == ledger.KindWrite {
			w, err := ledger.DecodeAs[ledger.Write](e)
			require.NoError(c.t, err)
			recorded[e.Subject] = append(recorded[e.Subject], w)
		}
	}
	for _, x := range c.byAPI() {
		subject := ledger.Subject{Kind: x.Kind, ID: x.ID}.String()
		require.True(c.t, slices.ContainsFunc(recorded[subject], func(w ledger.Write) bool {
			return w.Write.After.Equal(x.After) && !w.Write.At.After(x.At)
		}), "a write that is not on record: %+v", x)
	}
}

// requireNothingRemovedEarly checks that access was there from its first write to its end, where nobody
// has ended it before: by the receipts of the requests that have expired.
func (c *chaos) requireNothingRemovedEarly() {
	c.t.Helper()
	changes := c.byAPI()
	for _, r := range c.asked {
		receipts := c.ledgerReceipts(r.id)
		if len(receipts) == 0 {
			continue
		}
		got, err := ledger.DecodeAs[ledger.Receipt](receipts[0])
		require.NoError(c.t, err)
		if got.Receipt.State != wire.StateExpired || len(got.Receipt.Proofs) == 0 ||
			got.Receipt.Proofs[0].Outcome != access.Applied {
			continue
		}
		begin := got.Receipt.Proofs[0].Reads[len(got.Receipt.Proofs[0].Reads)-1].At
		end := got.Receipt.Proofs[0].Writes[0].At.Add(r.duration)
		for _, x := range changes {
			early := x.ID == r.user.ID && x.At.After(begin) && x.At.Before(end.Add(-time.Second))
			require.False(c.t, early && slices.Contains(removed(x), r.held) && !replaced(x, r.held),
				"%s is in force from %s to %s, and %+v removes it; the ledger has of the person:\n%s",
				r.id, begin, end, x, c.ledgerAbout(r.user))
		}
	}
}

// ledgerAbout lists what the ledger has of a person, for people who look for the cause of a failure.
func (c *chaos) ledgerAbout(user access.Principal) string {
	c.t.Helper()
	subject := ledger.Subject{Kind: user.Kind, ID: user.ID}.String()
	requests := map[string]bool{}
	var out strings.Builder
	for _, e := range c.allEntries() {
		requests[e.Request] = requests[e.Request] || e.Subject == subject
		if !requests[e.Request] {
			continue
		}
		body, err := json.Marshal(e.Body)
		require.NoError(c.t, err)
		fmt.Fprintf(&out, "%d %s %s %s %s\n", e.Seq, e.At.Format("15:04:05.000"), e.Kind, e.Key, body)
	}
	return out.String()
}

func (c *chaos) summary() string {
	ends := map[string]int{}
	for _, r := range c.asked {
		state := "no receipt"
		for _, e := range c.ledgerReceipts(r.id) {
			got, err := ledger.DecodeAs[ledger.Receipt](e)
			require.NoError(c.t, err)
			state = got.Receipt.State
		}
		ends[state]++
	}
	unknown := 0
	for _, p := range c.permanent {
		if p.unknown {
			unknown++
		}
	}
	return fmt.Sprintf("%d time-bound requests: %v; %d people with a permanent role, of %d of which the ledger alone "+
		"knows; %d writes of ours on the console", len(c.asked), ends, len(c.permanent), unknown, len(c.byAPI()))
}

// requireExplained checks that a sync finds nothing on the console that the ledger does not explain.
func (c *chaos) requireExplained() {
	c.t.Helper()
	got := c.command("sync", "--wait", "--id", wire.SyncID("chaos-end"))
	require.Zero(c.t, got.code, got.stdout+got.stderr)
	got = c.command("drift", "-o", "json")
	require.Zero(c.t, got.code, got.stdout+got.stderr)
}
