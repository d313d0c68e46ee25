package connection

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/drift"
)

func (j judge) fullSync() Rung {
	s := j.e.FullSync
	out := Rung{Name: RungFullSync, State: Unknown, Evidence: "not looked up yet"}
	if s == nil {
		return out
	}
	out.State, out.At = Wrong, s.ProvenAt
	switch {
	case s.Quarantined > 0:
		out.At = s.QuarantinedSince
		out.Evidence = fmt.Sprintf("%s %s: run `starter status`, then `starter confirm` or `starter discard`",
			describe.Plural(s.Quarantined, "snapshot"), j.quarantinedFor(s.QuarantinedSince))
	case s.ProvenAt == nil && len(s.Unread) > 0:
		out.Evidence = "no sync has proven " + strings.Join(s.Unread, ", ") + ": run `starter sync --wait`"
	case s.ProvenAt == nil:
		out.Evidence = "no sync is proven: run `starter sync --wait`"
	case !j.fresh(*s.ProvenAt, MaxSyncAge):
		out.Evidence = "last proven " + j.age(*s.ProvenAt, MaxSyncAge) +
			": run `starter sync --wait`, or set a schedule with `starter schedule set`"
	default:
		out.State, out.Evidence = OK, "proven "+j.age(*s.ProvenAt, MaxSyncAge)
	}
	return out
}

func (j judge) quarantinedFor(since *time.Time) string {
	if since == nil {
		return "quarantined"
	}
	return "quarantined for " + j.span(*since)
}

// maxAge is how old a delta sync may be that a schedule has started.
func (d DeltaSync) maxAge() time.Duration { return max(MaxDeltaAge, 2*time.Duration(d.Every)) }

func (j judge) deltaSync() Rung {
	d := j.e.DeltaSync
	switch {
	case d == nil:
		return Rung{Name: RungDeltaSync, State: Unknown, Evidence: "no delta sync has run"}
	case !j.fresh(d.At, d.maxAge()):
		return j.oldDeltaSync(*d)
	case d.Why != "":
		return Rung{
			Name: RungDeltaSync, State: Notice, At: &d.At, Evidence: "the next one is a full sync: " + d.Why,
		}
	case d.Missed > 0 && d.MeasuredAt != nil:
		return Rung{Name: RungDeltaSync, State: Notice, At: &d.At, Evidence: fmt.Sprintf(
			"ended %s; the activity feed missed %d of %d changes before the full sync of %s: run full syncs more often",
			j.ago(d.At), d.Missed, d.Changes, describe.Minute(*d.MeasuredAt))}
	}
	return Rung{Name: RungDeltaSync, State: OK, At: &d.At, Evidence: "ended " + j.ago(d.At)}
}

// oldDeltaSync judges one that is too old. Where nothing starts the next one, that is no fault.
func (j judge) oldDeltaSync(d DeltaSync) Rung {
	out := Rung{Name: RungDeltaSync, State: Wrong, At: &d.At, Evidence: "the last one ended " + j.age(d.At, d.maxAge())}
	switch {
	case d.Every > 0:
	case d.Paused:
		out.State = Notice
		out.Evidence = fmt.Sprintf("the last one ended %s, and their schedule is paused: run "+
			"`starter schedule resume --mode delta`", j.ago(d.At))
	default:
		out.State = Notice
		out.Evidence = fmt.Sprintf("the last one ended %s, and no schedule starts them: run "+
			"`starter schedule set --delta 5m` for one", j.ago(d.At))
	}
	if d.Why != "" {
		out.Evidence += ", and the next one is a full sync: " + d.Why
	}
	return out
}

func (j judge) changes() Rung {
	c := j.e.Changes
	out := Rung{Name: RungChanges, State: Unknown, Evidence: "not looked up yet"}
	if c == nil {
		return out
	}
	out.At = c.ProvenAt
	switch {
	case c.WaitingSince != nil && j.now.Sub(*c.WaitingSince) > MaxWait:
		out.State, out.At = Wrong, c.WaitingSince
		out.Evidence = fmt.Sprintf("%s for the console, that of %s for %s: run `starter show %[2]s`",
			steps(c.Waiting), c.WaitingFor, j.span(*c.WaitingSince))
	case c.ProvenAt == nil:
		out.Evidence = "no change has been made yet"
	default:
		out.State = OK
		out.Evidence = fmt.Sprintf("the last one was proven by reading %s: %s", j.ago(*c.ProvenAt), c.Request)
	}
	return out
}

func steps(n int) string {
	if n == 1 {
		return "1 step of a request waits"
	}
	return fmt.Sprintf("%d steps of requests wait", n)
}

func (j judge) drift() Rung {
	d := j.e.Drift
	if d == nil || d.At == nil {
		return Rung{Name: RungDrift, State: Unknown, Evidence: "not known before the first proven sync"}
	}
	counts := drift.Counts{}
	for kind, n := range d.Counts {
		counts[drift.Kind(kind)] = n
	}
	out := Rung{Name: RungDrift, State: OK, At: d.At, Evidence: "the ledger explains every assignment"}
	if counts.Drift() > 0 {
		out.State, out.Evidence = Notice, counts.String()+": run `starter drift`"
	}
	if counts[drift.Overdue]+counts[drift.Unauthorized] > 0 {
		out.State = Wrong
	}
	return out
}

func (j judge) ledger() Rung {
	l := j.e.Ledger
	switch {
	case l == nil:
		return Rung{Name: RungLedger, State: Unknown, Evidence: "not looked up yet"}
	case l.Fault != "":
		return Rung{Name: RungLedger, State: Wrong, At: &l.At, Evidence: fmt.Sprintf(
			"entry %d, the head, does not count: %s: run `starter ledger verify`", l.Seq, l.Fault)}
	case l.Seq == 0:
		return Rung{Name: RungLedger, State: OK, At: &l.At, Evidence: "it has no entries yet"}
	case !l.Sealed:
		return Rung{Name: RungLedger, State: Notice, At: &l.At, Evidence: fmt.Sprintf(
			"entry %d, the last one, is not sealed: set LEDGER_KEY_FILE", l.Seq)}
	}
	return Rung{Name: RungLedger, State: OK, At: &l.At, Evidence: fmt.Sprintf("sealed to entry %d", l.Seq)}
}

func (j judge) serviceUserTokens() Rung {
	s := j.e.ServiceUserTokens
	if s == nil {
		return Rung{Name: RungServiceUserTokens, State: Unknown, Evidence: "not known before the first proven sync"}
	}
	out := Rung{Name: RungServiceUserTokens, State: OK, At: &s.At, Evidence: fmt.Sprintf(
		"none ends within %d days", TokenWarningDays()[0])}
	ending := slices.DeleteFunc(slices.Clone(s.Ending), func(t TokenEnd) bool { return !t.EndsAt.After(j.now) })
	if ended := s.Ended + len(s.Ending) - len(ending); ended > 0 {
		out.Evidence += fmt.Sprintf("; %d have ended", ended)
	}
	if n := s.EndingCount - (len(s.Ending) - len(ending)); n > 0 && len(ending) > 0 {
		next := ending[0]
		out.State = Notice
		out.Evidence = fmt.Sprintf("%s within %d days, the next one that of %s (%s)",
			tokens(n), TokenWarningDays()[0], describe.Named(next.Name, next.ID), endsIn(next.EndsAt, j.now))
	}
	return out
}

func tokens(n int) string {
	if n == 1 {
		return "1 token ends"
	}
	return fmt.Sprintf("%d tokens end", n)
}
