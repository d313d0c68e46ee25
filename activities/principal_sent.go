package activities

import (
	"context"
	"net/http"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/ledger"
)

// sentWrite is a write that the ledger knows of.
type sentWrite struct {
	Write access.Write
	Step  access.Step
	From  string // what was known when it was planned, by digest

	seq      int64     // number of its entry; 0 for a write of this attempt
	answered bool      // the console said something to it, or the attempt gave up waiting
	endedAt  time.Time // when it did; zero for not answered
}

// sentBy is when the console has been sent the write at the latest, as far as the ledger knows: it is recorded before
// it waits for the rate budget, which may take longer than the console.
func (s sentWrite) sentBy() time.Time {
	if s.endedAt.After(s.Write.At) {
		return s.endedAt
	}
	return s.Write.At
}

// ledgerBody is what the ledger keeps of it before it is sent.
func (s sentWrite) ledgerBody(of *ledger.Subject) ledger.Write {
	return ledger.Write{Principal: of, Write: s.Write, Roles: &ledger.RoleWrite{Step: s.Step.Recorded(), From: s.From}}
}

// accepted says that the console has said yes in a way that can be understood.
func (s sentWrite) accepted() bool {
	return s.answered && s.Write.Status == http.StatusOK && s.Write.Error == ""
}

// refused says that the console has said no, so nothing of the write can arrive later.
func (s sentWrite) refused() bool {
	return s.answered && s.Write.Status >= http.StatusBadRequest && s.Write.Status < http.StatusInternalServerError
}

// noteAnswer records what the console has said to a write whose attempt fails, also one that was cancelled. Whoever has
// the lock next must know when the write was sent.
func (w *changeAttempt) noteAnswer(ctx context.Context) {
	detached, release := attempt.ForLastWrite(ctx)
	defer release()
	_ = w.note(detached) // retryLater tries once more, and says why it fails
}
