package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// The limits of a grant, relative to the floor.
const (
	allowedRatio   = 1.25 // times the floor's median, plus allowedCalls
	allowedCalls   = 3    // calls of the console: read, write, read back
	requiredRate   = 0.90 // of the floor's, or of what the console's rate allows if that is less
	allowedEvents  = 40
	allowedActions = 8
)

// The limit of the console itself: the client keeps the published rate of /users, and a grant alone
// calls /users four times: those three calls and one for the plan. Plans that wait for the rate are
// read together, so many grants at once may be faster than four calls for each would be.
const (
	usersPerSecond = 40
	usersBurst     = 80
	usersCalls     = 4
)

// columnsOf begins a table with one column per row, named by database. line adds a line to it.
func columnsOf[T any](
	title string, rows []T, database func(T) string,
) (t table.Writer, line func(name string, value func(T) string)) {
	t = table.NewWriter()
	t.SetStyle(table.StyleLight)
	header := table.Row{title}
	columns := []table.ColumnConfig{}
	for i, r := range rows {
		header = append(header, database(r))
		columns = append(columns, table.ColumnConfig{Number: i + 2, Align: text.AlignRight})
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(columns)
	return t, func(name string, value func(T) string) {
		cells := table.Row{name}
		for _, r := range rows {
			cells = append(cells, value(r))
		}
		t.AppendRow(cells)
	}
}

// reportGrants prints one column per database.
func reportGrants(w io.Writer, o options, rows []grantRow) {
	t, line := columnsOf("a permanent grant without approval", rows, func(r grantRow) string { return r.database })
	line("one at a time: floor, p50", func(r grantRow) string { return millis(median(r.floor)) })
	line("  floor, p95", func(r grantRow) string { return millis(percentile(r.floor, 95)) })
	line("  ours, p50", func(r grantRow) string { return millis(median(r.ours)) })
	line("  ours, p95", func(r grantRow) string { return millis(percentile(r.ours, 95)) })
	line("  ours / floor", func(r grantRow) string { return ratio(median(r.ours), median(r.floor)) })
	line(fmt.Sprintf("  allowed, p50: %.2f × floor + %d calls", allowedRatio, allowedCalls), func(r grantRow) string {
		return verdict(millis(r.allowed(o)), median(r.ours) <= r.allowed(o))
	})
	line("  of ours in Request.Plan", func(r grantRow) string { return millis(r.inPlan) })
	line("  of ours in Principal.Write", func(r grantRow) string { return millis(r.inChange) })
	t.AppendSeparator()
	line(fmt.Sprintf("%d in flight on %d principals: floor", o.inFlight, o.principals),
		func(r grantRow) string { return fmt.Sprintf("%.1f/s", r.floorRate) })
	line("  ours", func(r grantRow) string { return fmt.Sprintf("%.1f/s", r.oursRate) })
	line("  ours / floor", func(r grantRow) string { return fmt.Sprintf("%.2f ×", r.oursRate/r.floorRate) })
	line("  the console's rate of /users allows", func(grantRow) string {
		return fmt.Sprintf("%.1f/s", o.consoleRate())
	})
	line(fmt.Sprintf("  required: %.2f × the smaller of the two", requiredRate), func(r grantRow) string {
		required := requiredRate * min(r.floorRate, o.consoleRate())
		return verdict(fmt.Sprintf("%.1f/s", required), r.oursRate >= required)
	})
	t.AppendSeparator()
	line("history events, including the principal's", func(r grantRow) string { return fmt.Sprint(r.events) })
	line("  allowed", func(r grantRow) string { return verdict(fmt.Sprint(allowedEvents), r.events <= allowedEvents) })
	line("actions, including the principal's", func(r grantRow) string { return fmt.Sprint(r.actions) })
	line("  allowed", func(r grantRow) string {
		return verdict(fmt.Sprint(allowedActions), r.actions <= allowedActions)
	})
	fmt.Fprintf(w, "%d grants of each kind, one at a time; then medians of %d rounds; console latency %s\n%s\n",
		o.grants, o.rounds, o.latency, t.Render())
}

// allowed is the limit for the median.
func (r grantRow) allowed(o options) time.Duration {
	return time.Duration(allowedRatio*float64(median(r.floor))) + allowedCalls*o.latency
}

// consoleRate is the number of grants per second that the console accepts with four calls for each,
// when so many start at once that the burst is used up.
func (o options) consoleRate() float64 {
	calls := o.inFlight * usersCalls
	if calls <= usersBurst {
		return math.Inf(1)
	}
	return float64(o.inFlight) * usersPerSecond / float64(calls-usersBurst)
}

func verdict(limit string, met bool) string {
	if met {
		return limit + ", met"
	}
	return limit + ", MISSED"
}

func percentile(all []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

func millis(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// reportAuthority prints one column per database.
func reportAuthority(w io.Writer, rows []authorityRow) {
	t, line := columnsOf("authority for one write of a signed grant with two approvals", rows,
		func(r authorityRow) string { return r.database })
	line("entries of the ledger", func(r authorityRow) string { return fmt.Sprint(r.entries) })
	line("  about the principal", func(r authorityRow) string { return fmt.Sprint(r.ofPrincipal) })
	t.AppendSeparator()
	fine := func(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond)) }
	line("whole, p50", func(r authorityRow) string { return fine(median(r.whole)) })
	line("  p95", func(r authorityRow) string { return fine(percentile(r.whole, 95)) })
	line("  allowed, p50", func(r authorityRow) string {
		return verdict(fine(authorityLimit), median(r.whole) <= authorityLimit)
	})
	line("  lock the principal, unlock it", func(r authorityRow) string { return fine(median(r.lock)) })
	line("  read the request, last proof, what came since", func(r authorityRow) string { return fine(median(r.read)) })
	line("  verify seals and signatures, decide again", func(r authorityRow) string { return fine(median(r.judge)) })
	fmt.Fprintf(w, "medians of %d writes\n%s\n", authorityWrites, t.Render())
}
