package activities

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// unauthorized is the event of a change that was not written for lack of authority. The
// ledger need not have a request: somebody may have started the change without one. Then the
// event goes to the receivers and to NOTIFY_TO, and to no person.
func (n *Notify) unauthorized(ctx context.Context, in wire.Event) (built, error) {
	f, err := loadFacts(ctx, n.store, n.console, ledger.Run{Request: in.Request, ID: in.OriginalRun()})
	if err != nil {
		return built{}, err
	}
	u, ok := find(f.unauthorized, in.Entry)
	if !ok {
		return built{}, noGround("the ledger has no such change that was not authorized")
	}
	out := built{pinned: wire.Event{Type: in.Type, Request: f.run.Request, Run: f.run.ID, Entry: u.seq}}
	out.addRequest(f, u.seq)
	g := ground{entry: u.seq, at: u.at, outcome: access.Unauthorized, why: u.body.Text, ended: true}
	out.addGround(g)
	if out.Principal == nil { // nothing is known but what was tried
		out.Operation = u.body.Op
		out.Principal = &access.PrincipalRef{Kind: u.body.Principal.Kind, ID: oneLine(u.body.Principal.ID, maxPerson)}
		return out, nil
	}
	return out, n.addPeople(ctx, &out, f, g)
}
