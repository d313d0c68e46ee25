package authority

import (
	"maps"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// Evidence lists the proofs of the run's changes, oldest first, each with the reads that
// have confirmed it.
func (r Record) Evidence() []access.Proof {
	out := make([]access.Proof, 0, len(r.proven))
	for _, key := range r.proven {
		out = append(out, r.confirmed(key))
	}
	return out
}

// ProofOf is the proof of one of the run's changes, with the reads that have confirmed it.
func (r Record) ProofOf(change string) (access.Proof, bool) {
	if _, found := r.Proofs[change]; !found {
		return access.Proof{}, false
	}
	return r.confirmed(change), true
}

// confirmed is a proof with the reads that came after it: they show that what it removed
// stays away, or has come back.
func (r Record) confirmed(change string) access.Proof {
	p := r.Proofs[change]
	p.Reads, p.Drift, p.Writes = slices.Clone(p.Reads), slices.Clone(p.Drift), slices.Clone(p.Writes)
	for _, w := range r.Writes[change] {
		if w.Restores {
			p.Writes = append(p.Writes, w.Write)
		}
	}
	whole := p.Op == access.OpDelete || p.Outcome == access.Deleted
	shown := 0
	for _, c := range r.Confirmations[change] {
		p.Reads = append(p.Reads, c.Read)
		if !c.Shown {
			p.Confirmed = true
			return p
		}
		shown++
		switch {
		case whole: // ids are not used again, so the answer is stale
		case c.Ours:
			p.Outcome = access.StillHeld
			return p
		case shown == access.MaxReappearances:
			p.Outcome = access.Superseded
			p.Drift = append(p.Drift, c.Drift...)
			return p
		}
	}
	return p
}

// Counted lists the decisions on plans that counted when they were taken, oldest first.
func (r Record) Counted() []access.Decision {
	var out []access.Decision
	for _, d := range r.Decisions {
		onExtension := slices.ContainsFunc(r.Extensions, func(x Extended) bool {
			return x.Extension.Hash == d.Decision.Decision.PlanHash
		})
		if d.Refusal == "" && !onExtension {
			out = append(out, d.Decision.Decision)
		}
	}
	return out
}

// Extended are the extensions that were carried out, as somebody asked for them and people decided:
// of the entry about one, which says what the workflow says, only that it was done counts. Those
// that nobody had to approve are of versions up to 0.4.0, whose plans have no facts.
func (r Record) Extended() []access.Extension {
	var out []access.Extension
	for _, m := range r.Moved {
		if m.Asked == nil {
			if r.Plan.Facts == nil {
				out = append(out, m)
			}
			continue
		}
		i := slices.IndexFunc(r.Extensions, func(x Extended) bool {
			return x.Refusal == "" && x.Extension.Hash == m.Asked.Hash
		})
		if i < 0 {
			continue
		}
		asked := r.Extensions[i].Extension
		m.By, m.Duration, m.EndsAt, m.Asked, m.Decisions = asked.By, asked.Duration, asked.EndsAt, &asked, nil
		for _, d := range r.Decisions {
			if d.Refusal == "" && d.Decision.Decision.PlanHash == asked.Hash {
				m.Decisions = append(m.Decisions, d.Decision.Decision)
			}
		}
		out = append(out, m)
	}
	return out
}

// Stopped is the last message on record that stopped the request; nil if none did.
func (r Record) Stopped() *access.Stop {
	for _, s := range slices.Backward(r.Stops) {
		if s.Refusal == "" {
			return &s.Stop.Stop
		}
	}
	return nil
}

// Outcome is that of the last change; "" if none was settled or refused.
func (r Record) Outcome() access.Outcome {
	if n := len(r.Unauthorized); n > 0 && r.Unauthorized[n-1].Op != access.OpRelease && len(r.proven) == 0 {
		return access.Unauthorized
	}
	if n := len(r.proven); n > 0 {
		return r.confirmed(r.proven[n-1]).Outcome
	}
	return ""
}

// doneAs is how a request ends whose change is permanent and was carried out. A lease is not in
// it: that ends when it is released.
var doneAs = map[access.Op]string{
	access.OpGrant: "granted", access.OpRevoke: "revoked", access.OpReset: "offboarded",
	access.OpDelete: "offboarded", access.OpCreate: "provisioned",
	access.OpRotate: "rotated",
}

// clockSlack is how far the clocks of Temporal and of the worker may be apart.
const clockSlack = 5 * time.Minute

// ends are the states in which requests end.
var ends = []string{
	"granted", "expired", "ended", "cancelled", "denied", "timedOut", "refused", "revoked", "provisioned", "offboarded",
	"rotated",
	"failed",
}

// EndedAs is the state in which a request ended that its workflow closes as that state. Only a
// workflow whose activity was completed by hand believes that access has ended that was never
// given: its request was cancelled.
func (r Record) EndedAs(state string) string {
	if _, given := r.Given(); !given && r.Cancelled && r.released() && (state == "expired" || state == "ended") {
		return "cancelled"
	}
	return state
}

// Unsupported says why the record does not bear out that the request has ended in that
// state; "" if it does. Access that was given and not released has not ended.
func (r Record) Unsupported(state string, now time.Time) string {
	_, given := r.Given()
	switch {
	case !slices.Contains(ends, state):
		return "no request ends so"
	case (state == "expired" || state == "ended") && !given:
		return "the ledger holds no proof that the access was given"
	case doneAs[r.Plan.Plan.Op] == state && r.settled(r.Plan.Plan.Op):
		return ""
	case slices.Contains(slices.Collect(maps.Values(doneAs)), state):
		return "the ledger holds no proof that it was " + state
	case given && !r.released() && r.Plan.Plan.Account == nil:
		return "the ledger holds a proof that the access was given, and none that it was released"
	case state == "denied" && !slices.ContainsFunc(r.Counted(), func(d access.Decision) bool {
		return d.Action == approval.Deny
	}):
		return "the ledger holds no denial"
	case state == "timedOut" && r.windowOver(now): // nobody could decide any more
	case state == "timedOut" &&
		now.Add(clockSlack).Before(r.Plan.At.Add(time.Duration(r.Plan.Plan.Approval.DecideWithin))):
		return "the time to decide is not over"
	}
	return ""
}

// windowOver says that the window that was requested is over, by a clock that may be ahead.
func (r Record) windowOver(now time.Time) bool {
	end := r.Plan.Plan.Terms.WindowEnd()
	return !end.IsZero() && !now.Add(clockSlack).Before(end)
}

// Unreleased says that the run's access was given, and not released.
func (r Record) Unreleased() bool {
	_, given := r.Given()
	return given && !r.released()
}

// Unsettled are the writes that may have given the run's access, where no proof says what became
// of them: an attempt was killed behind one.
func (r Record) Unsettled() []Written {
	if _, given := r.Given(); given || r.released() {
		return nil
	}
	var out []Written
	for _, op := range []access.Op{access.OpAcquire, access.OpGrant} {
		if _, proven := r.proofOf(op); proven {
			continue
		}
		for _, w := range r.Writes[access.ChangeKey(r.Run.String(), op)] {
			if !w.Refused {
				out = append(out, w)
			}
		}
	}
	return out
}

// settled says that a change of the run has a proof that it was not refused.
func (r Record) settled(op access.Op) bool {
	p, found := r.proofOf(op)
	return found && !p.Outcome.Refused() && (op != access.OpRotate || p.Outcome == access.Rotated)
}
