package connection

import (
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/describe"
)

// judge holds evidence against a time.
type judge struct {
	e   Evidence
	now time.Time
}

func (j judge) ago(t time.Time) string { return describe.Ago(t, j.now) }

// span is how long ago t was, as in "2 h".
func (j judge) span(t time.Time) string { return describe.Left(j.now, t) }

// maxSkew is how far the clocks of two machines may differ. A proof from further ahead proves nothing.
const maxSkew = time.Minute

// fresh says that a proof is young enough.
func (j judge) fresh(at time.Time, most time.Duration) bool {
	age := j.now.Sub(at)
	return age <= most && age >= -maxSkew
}

// age says how old a proof is, and how old it may be.
func (j judge) age(at time.Time, most time.Duration) string {
	if at.Sub(j.now) > maxSkew {
		return describe.Second(at) + ", which is ahead of this clock"
	}
	return fmt.Sprintf("%s (at most %s)", j.ago(at), limit(most))
}

// checked judges what each check finds anew.
func (j judge) checked(name string, f *Finding, well string) Rung {
	switch {
	case f == nil:
		return Rung{Name: name, State: Unknown, Evidence: "not checked yet: start `worker`"}
	case !f.OK:
		text := f.Detail
		if f.LastOK != nil {
			text += " (last well " + j.ago(*f.LastOK) + ")"
		}
		return Rung{Name: name, State: Wrong, At: &f.At, Evidence: text}
	case !j.fresh(f.At, MaxCheckAge):
		return Rung{Name: name, State: Wrong, At: &f.At, Evidence: "last checked " + j.age(f.At, MaxCheckAge) +
			": see whether `worker` runs, and run `starter check`"}
	}
	if f.Detail != "" {
		well = f.Detail
	}
	return Rung{Name: name, State: OK, At: &f.At, Evidence: well}
}

func (j judge) reachable() Rung {
	return j.checked(RungReachable, j.e.Reachable, "the console answers")
}

func (j judge) authenticated() Rung {
	if f := j.e.Reachable; j.e.Authenticated == nil && f != nil {
		return Rung{
			Name: RungAuthenticated, State: Unknown, At: &f.At,
			Evidence: "the console has not said whether it accepts the API token",
		}
	}
	return j.checked(RungAuthenticated, j.e.Authenticated, "the console accepts the API token")
}

// permitted judges the permissions of one use.
func (j judge) permitted(name string, use Use) Rung {
	p := j.e.Permissions
	if p == nil {
		return Rung{Name: name, State: Unknown, Evidence: "not checked yet"}
	}
	if !j.fresh(p.At, MaxCheckAge) {
		return Rung{Name: name, State: Unknown, At: &p.At, Evidence: "last checked " + j.age(p.At, MaxCheckAge)}
	}
	var granted, missing, unknown []string
	for _, n := range p.Needed {
		switch {
		case n.Use != use:
		case n.Granted == nil:
			unknown = append(unknown, n.Name)
		case *n.Granted:
			granted = append(granted, n.Name)
		default:
			missing = append(missing, n.Name)
		}
	}
	out := Rung{Name: name, State: OK, At: &p.At, Evidence: strings.Join(granted, ", ")}
	switch {
	case len(missing) > 0:
		out.State = Wrong
		out.Evidence = fmt.Sprintf("the token's role lacks %s: add what is missing to the role",
			strings.Join(missing, ", "))
	case len(unknown) > 0:
		out.State = Unknown
		out.Evidence = "not known: " + strings.Join(unknown, ", ")
		if len(granted) > 0 {
			out.Evidence += "; granted: " + strings.Join(granted, ", ")
		}
	}
	return out
}

func (j judge) read() Rung { return j.permitted(RungRead, Read) }

func (j judge) write() Rung {
	if j.e.ReadOnly {
		return Rung{
			Name: RungWrite, State: OK, At: &j.e.CheckedAt,
			Evidence: "not needed: SENTINELONE_READ_ONLY is true, and every request that would write is rejected",
		}
	}
	return j.permitted(RungWrite, Write)
}

func (j judge) excess() Rung {
	out := Rung{Name: RungExcess, State: Unknown}
	p := j.e.Permissions
	switch {
	case p == nil:
		out.Evidence = "not checked yet"
		return out
	case !p.RoleKnown:
		out.At, out.Evidence = &p.At, "the console does not tell the permissions of the token's role"
		return out
	}
	out.State, out.At, out.Evidence = OK, &p.At, "the token's role has no permission that the worker does not need"
	if p.ExcessiveCount > 0 {
		out.State = Notice
		out.Evidence = fmt.Sprintf("the token's role has %s more than the worker needs: %s",
			describe.Plural(p.ExcessiveCount, "permission"), listed(p.Excessive, p.ExcessiveCount))
	}
	return out
}

func (j judge) sites() Rung {
	s := j.e.Sites
	switch {
	case s == nil:
		return Rung{Name: RungSites, State: Unknown, Evidence: "not checked yet"}
	case s.Of == nil:
		return Rung{
			Name: RungSites, State: Unknown, At: &s.At,
			Evidence: fmt.Sprintf("the token sees %d; the console does not say how many there are", s.Seen),
		}
	case s.Seen < *s.Of:
		return Rung{
			Name: RungSites, State: Wrong, At: &s.At,
			Evidence: fmt.Sprintf("the token sees %d of %d sites: use a token of a service user at the account or "+
				"the tenant", s.Seen, *s.Of),
		}
	}
	return Rung{
		Name: RungSites, State: OK, At: &s.At, Evidence: fmt.Sprintf("the token sees %d of %d sites", s.Seen, *s.Of),
	}
}

func (j judge) token() Rung {
	t := j.e.Token
	switch {
	case t == nil:
		return Rung{Name: RungToken, State: Unknown, Evidence: "not checked yet"}
	case t.EndsAt == nil:
		return Rung{Name: RungToken, State: Unknown, At: &t.At, Evidence: "the console does not say when it ends"}
	}
	out := Rung{Name: RungToken, State: OK, At: &t.At, Evidence: endsIn(*t.EndsAt, j.now)}
	switch left := t.EndsAt.Sub(j.now); {
	case left <= tokenWrong:
		out.State = Wrong
	case WarningDue(*t.EndsAt, j.now) > 0:
		out.State = Notice
	}
	if out.State != OK {
		out.Evidence += ": make a new token, and configure the worker with it"
	}
	return out
}

// endsIn is "ends in 12 days, on 2026-03-15 09:00 UTC".
func endsIn(ends, now time.Time) string {
	if !ends.After(now) {
		return "has ended, on " + describe.Minute(ends)
	}
	return "ends in " + describe.Left(ends, now) + ", on " + describe.Minute(ends)
}

// listed is a list of which only some names are known.
func listed(names []string, n int) string {
	const most = 5
	shown := names[:min(len(names), most)]
	text := strings.Join(shown, ", ")
	if more := n - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func limit(d time.Duration) string {
	if d < time.Hour {
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}

// connected says what the label rests on.
func (j judge) connected() string {
	return fmt.Sprintf("the console answered and accepted the token %s, and a full sync was proven %s",
		j.age(j.e.Authenticated.At, MaxCheckAge), j.age(*j.e.FullSync.ProvenAt, MaxSyncAge))
}

func (j judge) running() string {
	r := j.e.Running
	return fmt.Sprintf("%s began %s", r.WorkflowID, j.ago(r.StartedAt))
}
