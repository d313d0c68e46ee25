package activities

import (
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// beyondApproval says what the step does beyond the effect that was approved; nil if the
// approval covers it, or if a rule forbids the step anyway.
func (w *changeAttempt) beyondApproval(step access.Step) []string {
	if w.in.Change.Effect == nil || step.Refused() {
		return nil
	}
	return w.in.Change.Effect.Exceeds(access.EffectOf(step, w.in.Change.Change))
}

// planOutdated says that the principal holds other roles than those that the approvers saw in a
// plan that has no effect.
func (w *changeAttempt) planOutdated(actual access.Read) bool {
	e := w.in.Change.Expect
	return e != nil && len(w.writes) == 0 && !actual.Holdings.Equal(*e)
}

// planChangedResult answers that nothing was done. The ledger keeps no proof of it, so that the
// change may be requested again. more says what it would do beyond the approval.
func (w *changeAttempt) planChangedResult(actual access.Read, more []string) wire.WriteResult {
	message := "the principal's roles have changed since the approval: nothing was changed"
	if len(more) > 0 {
		message = "the principal's roles have changed since the approval: " + strings.Join(more, "; ") +
			". Nothing was changed; the request needs approval again"
	}
	return wire.WriteResult{
		Next: w.known.LeasesOnly(), Message: message,
		Proof: access.Proof{
			Op: w.in.Change.Change.Op, Key: w.in.Change.Key, Outcome: access.PlanChanged,
			Before: actual.Holdings, After: actual.Holdings, Reads: w.reads,
		},
	}
}
