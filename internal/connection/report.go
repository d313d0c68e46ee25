package connection

import (
	"cmp"
	"slices"
	"time"
)

// Label is the connection in one word.
type Label string

// The labels.
const (
	// Syncing: the console answers, and a sync receives data now. What is too old meanwhile does not count, since that
	// sync is about to prove it anew.
	Syncing Label = "Syncing"
	// Connected: every rung is proven, and no proof is older than it may be.
	Connected Label = "Connected"
	// Degraded: the console answers, and a rung is wrong.
	Degraded Label = "Degraded"
	// Disconnected: the console does not answer, rejects the token, or was not checked of late.
	Disconnected Label = "Disconnected"
)

const (
	// MaxCheckAge is how old an answer of the console may be for [Connected]: three checks.
	MaxCheckAge = 15 * time.Minute
	// MaxSyncAge is how old a proven full sync may be for [Connected]: a day, and two hours for the sync itself.
	MaxSyncAge = 26 * time.Hour
	// MaxDeltaAge is how old the latest delta sync may be where a schedule starts them; two of its intervals, if
	// that is more. Where none does, people start them when they like.
	MaxDeltaAge = time.Hour
	// MaxWait is how long a step of a request may wait for the console.
	MaxWait = time.Hour
	// tokenWrong is from when on before its end the worker's token counts as wrong.
	tokenWrong = 3 * day
)

// State is how a rung is.
type State string

// The states. A notice needs a person some day and does not change the label. Unknown changes the label only of rungs
// without which nothing works.
const (
	OK      State = "ok"
	Notice  State = "notice"
	Wrong   State = "wrong"
	Unknown State = "unknown"
)

// Names of the rungs, from the bottom up.
const (
	RungReachable         = "reachable"
	RungAuthenticated     = "authenticated"
	RungRead              = "permitted to read"
	RungWrite             = "permitted to write"
	RungExcess            = "not permitted too much"
	RungSites             = "sites seen"
	RungFullSync          = "full sync"
	RungDeltaSync         = "delta sync"
	RungChanges           = "changes"
	RungDrift             = "drift"
	RungLedger            = "ledger"
	RungToken             = "token"
	RungServiceUserTokens = "service users' tokens"
)

// Rung is one thing that must hold, with its evidence.
type Rung struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// At is when the evidence was found; nil without any.
	At *time.Time `json:"at"`
	// Evidence says in a sentence what was found, and what to do where that is not well.
	Evidence string `json:"evidence"`
}

// Report is what [Judge] says.
type Report struct {
	Console string `json:"console"`
	Label   Label  `json:"label"`
	Why     string `json:"why"` // in a sentence
	// JudgedAt is the time as of which the rest holds. GoodUntil is until when the label holds if nothing else is
	// found; nil unless it is Connected or Syncing.
	JudgedAt  time.Time  `json:"judgedAt"`
	GoodUntil *time.Time `json:"goodUntil"`
	Rungs     []Rung     `json:"rungs"`
	Evidence  Evidence   `json:"evidence"`
}

// Rung finds one by its name; the zero Rung if there is none.
func (r Report) Rung(name string) Rung {
	i := slices.IndexFunc(r.Rungs, func(g Rung) bool { return g.Name == name })
	if i < 0 {
		return Rung{}
	}
	return r.Rungs[i]
}

// Judge says what the evidence is worth at a time. It reads nothing else.
func Judge(e Evidence, now time.Time) Report {
	now = now.UTC()
	j := judge{e: e, now: now}
	out := Report{Console: e.Console, JudgedAt: now, Evidence: e, Rungs: []Rung{
		j.reachable(), j.authenticated(), j.read(), j.write(), j.excess(), j.sites(), j.fullSync(), j.deltaSync(),
		j.changes(), j.drift(), j.ledger(), j.token(), j.serviceUserTokens(),
	}}
	out.Label, out.Why = j.label(out)
	if out.Label == Connected || out.Label == Syncing {
		out.GoodUntil = j.goodUntil(out.Label)
	}
	return out
}

// Unchecked is the report on a console that no check is known of.
func Unchecked(console, why string, now time.Time) Report {
	out := Judge(Evidence{Console: console}, now)
	out.Why = why
	return out
}

// label finds the word for the rungs, and the reason for it.
func (j judge) label(r Report) (Label, string) {
	for _, name := range []string{RungReachable, RungAuthenticated} {
		rung := r.Rung(name)
		if rung.State != OK && !j.lately(name) {
			return Disconnected, rung.Evidence
		}
	}
	var wrong []Rung
	for _, rung := range r.Rungs {
		if rung.State == Wrong || rung.State == Unknown && essential(rung.Name) {
			wrong = append(wrong, rung)
		}
	}
	if j.e.Running != nil {
		wrong = slices.DeleteFunc(wrong, func(g Rung) bool { return provenBySync(g.Name) && !j.quarantined() })
	}
	if len(wrong) > 0 {
		first := wrong[0]
		return Degraded, first.Name + ": " + first.Evidence
	}
	if j.e.Running != nil {
		return Syncing, j.running()
	}
	return Connected, j.connected()
}

// lately says that the rung is wrong by the latest check alone, and was well so short ago that the connection counts
// as degraded. A token that the console rejects is another matter: it does not come back by itself.
func (j judge) lately(name string) bool {
	f := j.e.Reachable
	if name == RungAuthenticated {
		f = j.e.Authenticated
		if f != nil && !f.OK {
			return false
		}
	}
	return f != nil && f.LastOK != nil && j.fresh(*f.LastOK, MaxCheckAge)
}

// essential rungs must be known for [Connected].
func essential(name string) bool {
	switch name {
	case RungReachable, RungAuthenticated, RungRead, RungFullSync, RungLedger:
		return true
	}
	return false
}

// provenBySync says that a running sync is about to prove the rung.
func provenBySync(name string) bool { return name == RungFullSync || name == RungDeltaSync }

func (j judge) quarantined() bool { return j.e.FullSync != nil && j.e.FullSync.Quarantined > 0 }

// goodUntil is when the first proof that the label rests on is too old.
func (j judge) goodUntil(l Label) *time.Time {
	ends := []time.Time{j.e.Reachable.At.Add(MaxCheckAge), j.e.Authenticated.At.Add(MaxCheckAge)}
	if l == Connected {
		ends = append(ends, j.e.FullSync.ProvenAt.Add(MaxSyncAge))
		if d := j.e.DeltaSync; d != nil && d.Every > 0 {
			ends = append(ends, d.At.Add(d.maxAge()))
		}
	}
	if t := j.e.Token; t != nil && t.EndsAt != nil {
		ends = append(ends, t.EndsAt.Add(-tokenWrong))
	}
	first := slices.MinFunc(ends, func(a, b time.Time) int { return cmp.Compare(a.UnixNano(), b.UnixNano()) })
	return &first
}
