package activities

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// recordAndSend tells the ledger what is about to be written, and writes it. It returns what
// the console said against it; err is the ledger's, and nothing was sent then.
func (w *changeAttempt) recordAndSend(ctx context.Context, step access.Step, actual access.Read) (said, err error) {
	at := w.sendAt
	if w.sendAt = (time.Time{}); at.IsZero() {
		at = w.now().UTC()
	}
	s := sentWrite{Step: step, From: w.from, Write: access.Write{
		At: at, Call: w.call(step), Restores: w.restores,
	}.Between(actual.Holdings, step.After)}
	n := len(w.writes)
	entry := w.entry(w.writeKey(n), s.ledgerBody(w.principal))
	entry.At = at
	if err := w.note(ctx, entry); err != nil {
		return nil, err
	}
	said = w.sendToConsole(ctx, step)
	s.answered, s.endedAt, s.Write.Status = true, w.now().UTC(), http.StatusOK
	if said != nil {
		s.Write.Status, s.Write.Error = 0, said.Error()
		if answer, ok := errors.AsType[*console.Error](said); ok {
			s.Write.Status = answer.Status
		}
	}
	w.writes = append(w.writes, s)
	w.pending = append(w.pending, w.entry(w.answerKey(n), ledger.Answer{Principal: w.principal, Write: s.Write}))
	return said, nil
}

func (w *changeAttempt) sendToConsole(ctx context.Context, step access.Step) error {
	switch {
	case !step.Delete:
		_, err := w.console.SetRoles(ctx, w.last, step.After)
		return err
	case w.in.Writer.Kind == access.ServiceUser:
		return w.console.DeleteServiceUser(ctx, w.in.Writer.ID)
	}
	return w.console.DeleteUser(ctx, w.in.Writer.ID)
}

// call is the request as evidence names it.
func (w *changeAttempt) call(step access.Step) string {
	method, path := http.MethodPut, "/users/"
	if step.Delete {
		method = http.MethodDelete
	}
	if w.in.Writer.Kind == access.ServiceUser {
		path = "/service-users/"
	}
	return method + " " + path + w.in.Writer.ID
}

// collisions is how often 409 is taken for a conflict with another write.
const collisions = 5

// retryConflict makes a conflict something to try again, a few times. Neither is a refusal
// final while something sent before, which was not answered, may still arrive.
func (w *changeAttempt) retryConflict(said error) error {
	if slices.ContainsFunc(w.writes[:len(w.writes)-1], w.mayArrive) {
		return kinds.New(kinds.Unavailable, said)
	}
	answer, ok := errors.AsType[*console.Error](said)
	if ok && answer.Status == http.StatusConflict && len(w.writes) < collisions {
		return kinds.New(kinds.Unavailable, said)
	}
	return said
}

// conclude writes the proof down.
func (w *changeAttempt) conclude(ctx context.Context, step access.Step, seen access.Read) (wire.WriteResult, error) {
	next, drift := step.Next.Absorb(seen.Holdings)
	out := wire.WriteResult{
		Next: next.LeasesOnly(), From: w.from, EndsAt: w.endsAt,
		Message: ruleRefusal(step, w.in.Change.Change.Lease.Level),
		Proof: access.Proof{
			Op: w.in.Change.Change.Op, Key: w.in.Change.Key, Outcome: step.Outcome, Scopes: step.Scopes,
			Before: step.Before, After: seen.Holdings, Reads: w.reads, Drift: append(step.Drift, drift...),
		},
	}
	var writes []access.Write
	for _, s := range w.writes {
		writes = append(writes, s.Write)
		next.Prior, next.WrittenAt = s.Write.Before, s.Write.At
	}
	out.Proof = out.Proof.WithWrites(writes)
	return out, w.note(ctx, w.entry(w.proofKey(), ledger.Proof{
		Principal: w.principal, Proof: out.Proof, Message: out.Message,
		Roles: &ledger.RoleProof{Next: next, From: out.From},
	}))
}
