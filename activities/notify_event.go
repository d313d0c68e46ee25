package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/wire"
)

// built is an event with text and people, and whom it does not reach by e-mail.
type built struct {
	notify.Event

	pinned  wire.Event // names the event alone: built again, it gives the same one
	leftOut []leftOut
}

// leftOut is a person who receives no e-mail, and why.
type leftOut struct{ name, why string }

// build makes an event from the ledger and the store. The input only names it. What they do
// not show is a [noGroundError].
func (n *Notify) build(ctx context.Context, in wire.Event) (built, error) {
	out, err := n.buildByType(ctx, in)
	if err != nil {
		return out, err
	}
	out.Type, out.Console = out.pinned.Type, n.console
	out.ID = eventID(n.console, out.pinned)
	out.Text = notify.Text(out.Event)
	out.LedgerHead, err = n.store.LedgerHead(ctx, n.console)
	return out, err
}

func (n *Notify) buildByType(ctx context.Context, in wire.Event) (built, error) {
	switch in.Type {
	case wire.EventQuarantined:
		return n.quarantined(ctx, in)
	case wire.EventTokenExpires:
		return n.tokenExpires(ctx, in)
	case wire.EventWaiting:
		return n.waiting(ctx, in)
	case wire.EventUnauthorized:
		return n.unauthorized(ctx, in)
	case wire.EventDrift:
		return n.drift(ctx, in)
	}
	run := ledger.Run{Request: in.Request, ID: in.OriginalRun()}
	f, err := loadFacts(ctx, n.store, n.console, run)
	if err != nil {
		return built{}, err
	}
	g, err := f.groundOf(in, n.now())
	if err != nil {
		return built{}, err
	}
	out := built{pinned: wire.Event{
		Type: in.Type, Request: run.Request, Run: run.ID, Entry: g.entry, Number: g.number,
	}}
	out.addRequest(f, g.entry)
	out.addGround(g)
	return out, n.addPeople(ctx, &out, f, g)
}

// eventID is made of what the worker found, so that one event has one id however it is
// announced. It has none of the words of other people, and no ".", which a webhook's
// signature could not tell from its own.
func eventID(console string, e wire.Event) string {
	var form strings.Builder
	for _, part := range []string{
		console, e.Type, e.Request, e.Run, fmt.Sprint(e.Entry), fmt.Sprint(e.Number), e.Step, e.Snapshot,
	} {
		fmt.Fprintf(&form, "%d:%s,", len(part), part)
	}
	sum := sha256.Sum256([]byte(form.String()))
	const enough = 16 // bytes
	return e.Type + "-" + hex.EncodeToString(sum[:enough])
}

// Bounds on words of other people in an event, in characters.
const (
	maxPerson = 320
	maxWords  = 4000
)

// oneLine flattens and bounds a text from outside.
func oneLine(s string, limit int) string { return describe.Shorten(describe.Text(s), limit) }

// addRequest says what was requested, by the plan that counted at that entry.
func (b *built) addRequest(f recordedFacts, entry int64) {
	b.Request, b.Run = oneLine(f.run.Request, maxPerson), oneLine(f.run.ID, maxPerson)
	found, ok := f.planAt(entry)
	if !ok {
		return
	}
	plan := found.body.Plan
	b.Operation, b.Duration = plan.Op, plan.Terms.Duration
	b.Requester, b.RequesterSigned = oneLine(plan.Terms.Requester, maxPerson), f.signedBy()
	b.Reason = oneLine(plan.Terms.Reason, maxWords)
	b.Principal = &access.PrincipalRef{
		Kind: plan.Principal.Kind, ID: oneLine(plan.Principal.ID, maxPerson),
		Name: oneLine(plan.Principal.Name, maxPerson), Email: oneLine(plan.Principal.Email, maxPerson),
	}
	b.Role = &access.RoleRef{ID: oneLine(plan.Role.ID, maxPerson), Name: oneLine(plan.Role.Name, maxPerson)}
	b.Scope = &access.ScopeRef{
		Level: plan.Scope.Level, ID: oneLine(plan.Scope.ID, maxPerson), Name: oneLine(plan.Scope.Name, maxPerson),
	}
}

func (b *built) addGround(g ground) {
	b.At, b.State, b.Outcome, b.EndsAt = g.at.UTC(), oneLine(g.state, maxPerson), g.outcome, g.endsAt
	if d := g.decision; d != nil {
		b.Decision = &notify.Decision{
			By: oneLine(d.By, maxPerson), OnBehalfOf: oneLine(d.OnBehalfOf, maxPerson), Action: d.Action,
			Signed: d.Signed, Comment: oneLine(d.Comment, maxWords),
		}
	}
	if g.approval != nil {
		b.Pending = g.approval.Pending()
	}
	if x := g.extension; x != nil {
		b.Extension = &notify.Extension{
			By: oneLine(x.By, maxPerson), Signed: x.Signed, Duration: x.Duration, EndsAt: x.EndsAt.UTC(),
			Comment: oneLine(x.Comment, maxWords),
		}
	}
	if g.why != "" {
		b.Details = []string{oneLine(g.why, maxWords)}
	}
}

// waiting is the event of a step that has waited for the console for a while.
func (n *Notify) waiting(ctx context.Context, in wire.Event) (built, error) {
	waits, err := n.store.WaitOf(ctx, n.console, in.Request)
	if err != nil {
		return built{}, err
	}
	step := in.Step
	if rest, found := strings.CutPrefix(in.ID, in.Request+"#"+in.OriginalRun()+"/"); found && step == "" {
		step, _, _ = strings.Cut(rest, "/") // as version 0.4.0 wrote it
	}
	for _, w := range waits {
		lasting := w.At.Sub(w.Since) >= quickFor || w.Release && !w.Temporary
		if w.Step != step || !lasting {
			continue
		}
		f, err := loadFacts(ctx, n.store, n.console, ledger.Run{Request: in.Request, ID: in.OriginalRun()})
		if err != nil {
			return built{}, err
		}
		done := int64(len(slices.DeleteFunc(slices.Clone(f.proofs), func(p recorded[ledger.Proof]) bool {
			return string(p.body.Proof.Op) != step
		})))
		if in.Number != 0 && in.Number != 1+done {
			break
		}
		out := built{pinned: wire.Event{
			Type: in.Type, Request: in.Request, Run: f.run.ID, Step: step, Number: 1 + done,
		}}
		out.addRequest(f, lastEntry)
		out.At = w.At.UTC()
		out.Wait = &notify.Wait{
			Release: w.Release, Attempt: w.Attempt, Since: w.Since.UTC(), Error: oneLine(w.Text, maxWords),
		}
		return out, nil
	}
	return built{}, noGround("the store has no such step that has waited for %s or cannot succeed by itself", quickFor)
}

// lastEntry is behind every entry.
const lastEntry = int64(1)<<62 - 1

// quarantined is the event of a snapshot that people must confirm or discard.
func (n *Notify) quarantined(ctx context.Context, in wire.Event) (built, error) {
	id := in.Snapshot
	if old, found := strings.CutSuffix(in.ID, "/quarantined"); found && id == "" {
		id = old // as version 0.4.0 wrote it
	}
	all, err := n.store.Quarantined(ctx, n.console)
	if err != nil {
		return built{}, err
	}
	for _, snap := range all {
		if snap.ID != id {
			continue
		}
		out := built{pinned: wire.Event{Type: in.Type, Snapshot: id}}
		out.At, out.Request = snap.FinishedAt.UTC(), oneLine(snap.WorkflowID, maxPerson)
		out.State = snap.State
		for _, why := range snap.Reasons {
			out.Details = append(out.Details, oneLine(why, maxWords))
		}
		return out, nil
	}
	return built{}, noGround("the store has no such snapshot that is quarantined")
}
