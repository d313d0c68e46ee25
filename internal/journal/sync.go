package journal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
)

// began is the key of the line that says that a sync has begun; those of others are the states.
const began = "began"

// syncLine is a line about a sync, with a key that tells it from others about the same sync.
type syncLine struct {
	Line

	key string
}

// ofSync says that a sync has begun, and what has become of it; the latter is left out while it is open.
func ofSync(r store.SyncRecord) []syncLine {
	line := func(key string, at time.Time, text string) syncLine {
		return syncLine{key: r.ID + "/" + key, Line: Line{
			At: at, ID: r.WorkflowID, Kind: KindSync, Snapshot: r.ID, Text: stop(text),
		}}
	}
	kind := "full"
	if r.Mode == store.ModeDelta {
		kind = "delta"
	}
	out := []syncLine{line(began, r.StartedAt, "A sync begins")}
	took := fmt.Sprintf("%s in %s", describe.Plural(r.Requests, "request"),
		r.FinishedAt.Sub(r.StartedAt).Round(100*time.Millisecond))
	because := comment(strings.Join(r.Reasons, "; "))
	switch r.State {
	case store.StatePromoted:
		text := fmt.Sprintf("The %s sync is verified and promoted: assignments +%d -%d, %s",
			kind, r.Added, r.Removed, took)
		if r.DecidedBy != "" {
			text += ". " + describe.Person(r.DecidedBy) + " confirmed it" + because
		}
		out = append(out, line(r.State, r.PromotedAt, text))
	case store.StateUnchanged:
		text := fmt.Sprintf("The %s sync is verified: nothing has changed, %s", kind, took)
		out = append(out, line(r.State, r.PromotedAt, text))
	case store.StateQuarantined:
		out = append(out, line(r.State, r.FinishedAt,
			"The sync is quarantined and waits for `starter confirm` or `starter discard`"+because))
	case store.StateDiscarded:
		text := "The sync is discarded"
		if r.DecidedBy != "" {
			text += " by " + describe.Person(r.DecidedBy)
		}
		out = append(out, line(r.State, r.FinishedAt, text+because))
	case store.StateFailed:
		out = append(out, line(r.State, r.FinishedAt, "The sync has failed"+because))
	}
	return out
}

// ofDrains says how far each collection of a sync is, at a time. key is of the line that they come with.
func ofDrains(r store.SyncRecord, p store.Progress, at time.Time, key string) []syncLine {
	var out []syncLine
	add := func(at time.Time, text string) {
		out = append(out, syncLine{key: key + "/" + text, Line: Line{
			At: at, ID: r.WorkflowID, Kind: KindSync, Snapshot: r.ID, Text: stop(text),
		}})
	}
	for _, c := range access.Collections() {
		d, covered := p.Collections[c]
		if !covered || d.State == store.CollectionWaiting {
			continue
		}
		text := fmt.Sprintf("%s: %s on %s, %s", c, describe.Plural(d.Rows, "row"), describe.Plural(d.Pages, "page"),
			describe.Plural(d.Requests, "request"))
		if d.State == store.CollectionDraining {
			text += " so far"
		}
		if d.Expected != nil {
			text += fmt.Sprintf("; the console counts %d", *d.Expected)
		}
		if d.Attempt > 1 {
			text += fmt.Sprintf("; this was drain %d", d.Attempt)
		}
		add(at, text)
		if d.Note != nil {
			add(d.Note.At, fmt.Sprintf("%s: delayed: %s", c, d.Note.Text))
		}
	}
	if r.Note != nil {
		add(r.Note.At, "The sync is delayed: "+r.Note.Text)
	}
	slices.SortStableFunc(out, func(a, b syncLine) int { return a.At.Compare(b.At) })
	return out
}
