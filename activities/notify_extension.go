package activities

import (
	"time"

	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// extensionGround is what the ledger has for an event about an extension that people are to
// decide on, or have decided on; is says that the event is about one. Reminders and escalations
// come at times that follow from the extension's approval.
func (f recordedFacts) extensionGround(e wire.Event, now time.Time) (g ground, is bool, err error) {
	asked, decision, found := f.extensionAt(e)
	if !found {
		return ground{}, false, nil
	}
	plan, found := f.planAt(asked.seq)
	if !found {
		return ground{}, true, noGround("the extension is of no plan")
	}
	x := asked.body.Extension
	state := approval.ForExtension(plan.body.Plan, x, x.At)
	g = ground{entry: asked.seq, at: asked.at, state: wire.StateActive, endsAt: x.EndsAt}
	switch e.Type {
	case wire.EventRequested:
	case wire.EventDecided:
		state = f.decidedOn(state, decision.seq)
		g.entry, g.at, g.decision = decision.seq, decision.at, &decision.body.Decision
	default:
		due, err := dueAfter(e, state, now.Sub(x.At))
		state = f.decidedOn(state, lastEntry)
		if err != nil || state.Verdict != "" {
			return ground{}, true, noGround("by the extension, it is not due")
		}
		g.number, g.at = due.Milliseconds(), x.At.Add(due)
		if e.Type == wire.EventEscalated {
			state.EscalatedAt = g.at
		}
	}
	g.approval = &state
	return g, true, nil
}

// extensionAt is the extension that an event is about, by its entry, and the decision on it, if
// the event is about that.
func (f recordedFacts) extensionAt(e wire.Event) (
	asked recorded[ledger.ExtensionRequest], decision recorded[ledger.Decision], found bool,
) {
	for _, d := range f.decisions {
		if d.seq == e.Entry && e.Type == wire.EventDecided {
			decision = d
		}
	}
	for _, a := range f.asked {
		decided := decision.seq != 0 && decision.body.Decision.PlanHash == a.body.Extension.Hash
		if a.body.Refusal == "" && (decided || a.seq == e.Entry && e.Type != wire.EventDecided) {
			return a, decision, true
		}
	}
	return asked, decision, false
}

// decidedOn takes the decisions on what the state is about, up to an entry.
func (f recordedFacts) decidedOn(s approval.State, upTo int64) approval.State {
	for _, d := range f.decisions {
		if d.body.Decision.PlanHash == s.Request.PlanHash && d.seq <= upTo {
			s = s.Record(d.body.Decision)
		}
	}
	return s
}
