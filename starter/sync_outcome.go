package main

import (
	"time"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// conclude prints how the sync ended and the next commands.
func (p *app) conclude(run startedRun, s pendingObservation) {
	if s.quarantined() {
		p.explainQuarantine(run.WorkflowID, *s.status.Quarantine)
		return
	}
	if s.result == nil {
		return
	}
	p.emitTable([]string{"synced", "rows"}, countRows(s.result.Counts))
	r := s.result
	what := r.State
	if r.Mode == wire.ModeDelta {
		what += " (delta)"
	}
	writef(p.out, "\n%s: assignments +%d -%d, %s in %s\n", what, r.Changes.Added, r.Changes.Removed,
		describe.Plural(r.Requests, "request"), r.FinishedAt.Sub(r.StartedAt).Round(100*time.Millisecond))
	if r.Skipped != "" {
		p.remark("skipped: %s", r.Skipped)
	}
	if r.FullBecause != "" {
		p.remark("a full sync took the place of the delta sync: %s", r.FullBecause)
	}
	if f := r.Feed; f != nil {
		p.remark("activity feed: missed %d of %s since the last full sync",
			f.Missed, describe.Plural(f.Changes, "change"))
	}
	for _, w := range r.Warnings {
		p.remark("warning: %s", w)
	}
}

func (p *app) explainQuarantine(id string, q wire.Quarantine) {
	flag := p.idFlag(id)
	writef(p.out, "quarantined, because:\n")
	for _, why := range q.Reasons {
		writef(p.out, "  - %s\n", describe.Text(why))
	}
	writef(p.out, `
Queries use the last verified sync meanwhile. If this one is right, promote it; if not, discard it:
  starter confirm%[1]s
  starter discard%[1]s
or with the temporal command:
  temporal workflow update execute --workflow-id %[2]s --name confirm --input '{"by":"ana@example.com"}'
  temporal workflow update execute --workflow-id %[2]s --name discard --input '{"by":"ana@example.com"}'
Without a decision by %[3]s it is discarded.
`, flag, id, describe.Minute(q.Until))
}
