package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// The bounds of delta syncs.
const (
	unchangedRequests = 2    // of an unchanged console
	deltaRequests     = 10   // and one for each principal that has changed
	deltaShare        = 0.02 // of a full sync's database time
)

// deltaColumn has the syncs of one database.
type deltaColumn struct {
	database         string
	full, again      sample // full syncs: of an empty store, and of an unchanged console
	unchanged, delta sample // delta syncs: of an unchanged console, and of the changes
}

// deltaRows measures delta syncs of a large console against full ones.
func (b *bench) deltaRows(ctx context.Context, databases []string) error {
	columns, err := onEach(ctx, "delta syncs", databases, b.measureDelta)
	if err == nil {
		reportDelta(os.Stdout, b.o, columns)
	}
	return err
}

// measureDelta runs the syncs one after the other, with one worker on a new database.
func (b *bench) measureDelta(ctx context.Context, database string) (deltaColumn, error) {
	out := deltaColumn{database: database}
	console, stop, err := b.simulator(ctx, b.o.latency, "--users", strconv.Itoa(b.o.deltaUsers),
		"--service-users", "100", "--sites", "50")
	if err != nil {
		return out, err
	}
	defer stop()
	url, err := b.database(ctx, database)
	if err != nil {
		return out, err
	}
	queue := fmt.Sprintf("bench-%d", b.runs)
	w, output, err := b.worker(ctx, console, url, queue)
	if err != nil {
		return out, err
	}
	defer w.Kill()
	delta := wire.SyncInput{Mode: wire.ModeDelta}
	for i, step := range []struct {
		in    wire.SyncInput
		into  *sample
		state string
	}{
		{wire.SyncInput{}, &out.full, wire.StatePromoted},
		{delta, &out.again, wire.StateUnchanged}, // the first delta sync is a full one
		{delta, &out.unchanged, wire.StateUnchanged},
		{delta, &out.delta, wire.StatePromoted},
	} {
		if step.into == &out.delta {
			if err := changeUsers(ctx, console, b.o.deltaChanges); err != nil {
				return out, err
			}
		}
		*step.into, err = b.sync(ctx, output, queue, fmt.Sprintf("%s/delta-%d", wire.SyncID(queue), i), step.in)
		if err == nil && step.into.state != step.state {
			err = fmt.Errorf("sync %d is %s, not %s", i+1, step.into.state, step.state)
		}
		if err != nil {
			return out, fmt.Errorf("%w; the output of the worker ends:\n%s", err, output.Tail())
		}
	}
	_, err = w.Stop(startLimit)
	return out, err
}

// changeUsers gives users of a simulated console other roles than they have.
func changeUsers(ctx context.Context, url string, n int) error {
	var truth consoletest.Truth
	if err := control(ctx, http.MethodGet, url+"/_simulator/truth", nil, &truth); err != nil {
		return err
	}
	roles := slices.DeleteFunc(truth.Roles, func(r access.Role) bool { return !r.Predefined })
	if len(roles) < 2 || len(truth.Sites) == 0 {
		return fmt.Errorf("the simulated console has %d predefined roles and %d sites: two and one are needed",
			len(roles), len(truth.Sites))
	}
	changed := 0
	for _, p := range truth.Principals {
		if changed == n {
			return nil
		}
		if p.Kind != access.User {
			continue
		}
		role := roles[0].ID
		if slices.ContainsFunc(p.Held, func(h access.HeldRole) bool { return h.RoleID == role }) {
			role = roles[1].ID
		}
		changed++
		err := control(ctx, http.MethodPost, url+"/_simulator/edit", map[string]any{
			"op": "setUserRoles", "id": p.ID, "level": access.SiteLevel,
			"held": []access.HeldRole{{RoleID: role, ScopeID: truth.Sites[0].ID}},
		}, &struct{}{})
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("the simulated console has %d users, fewer than --delta-changes", changed)
}

func reportDelta(w io.Writer, o options, columns []deltaColumn) {
	t, line := columnsOf("delta syncs", columns, func(c deltaColumn) string { return c.database })
	line("first full sync: requests", func(c deltaColumn) string { return strconv.Itoa(c.full.requests) })
	line("  database time", func(c deltaColumn) string { return millis(c.full.database) })
	line("full sync, unchanged: requests", func(c deltaColumn) string { return strconv.Itoa(c.again.requests) })
	line("  database time", func(c deltaColumn) string { return millis(c.again.database) })
	line("delta sync, unchanged: requests", func(c deltaColumn) string { return strconv.Itoa(c.unchanged.requests) })
	line("  allowed", func(c deltaColumn) string {
		return verdict(strconv.Itoa(unchangedRequests), c.unchanged.requests <= unchangedRequests)
	})
	line("  wall", func(c deltaColumn) string { return millis(c.unchanged.wall) })
	line(fmt.Sprintf("delta sync, %d changes: requests", o.deltaChanges), func(c deltaColumn) string {
		return strconv.Itoa(c.delta.requests)
	})
	allowed := deltaRequests + o.deltaChanges
	line("  allowed", func(c deltaColumn) string {
		return verdict(strconv.Itoa(allowed), c.delta.requests <= allowed)
	})
	line("  wall", func(c deltaColumn) string { return millis(c.delta.wall) })
	line("  assignment rows written", func(c deltaColumn) string { return strconv.Itoa(c.delta.written) })
	line("  database time", func(c deltaColumn) string { return millis(c.delta.database) })
	share := func(c deltaColumn, of sample) float64 { return c.delta.database.Seconds() / of.database.Seconds() }
	line("  / first full sync's", func(c deltaColumn) string { return fmt.Sprintf("%.2f %%", 100*share(c, c.full)) })
	line("  allowed", func(c deltaColumn) string {
		return verdict(fmt.Sprintf("%.0f %%", 100*deltaShare), share(c, c.full) <= deltaShare)
	})
	line("  / unchanged full sync's", func(c deltaColumn) string {
		return fmt.Sprintf("%.2f %%", 100*share(c, c.again))
	})
	fmt.Fprintf(w, "%d users; console latency %s; one measurement each\n%s\n", o.deltaUsers, o.latency, t.Render())
}
