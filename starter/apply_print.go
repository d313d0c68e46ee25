package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"sentinelone-provisioner/internal/applyfile"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

// print shows one result as it comes: to people in a line, and in the table at the end.
func (b *batch) print(r lineResult) {
	if b.output.json {
		_ = json.NewEncoder(b.out).Encode(r) // standard output is closed: there is no reader left
		return
	}
	b.remark("line %d: %s", r.Line, describe.Text(r.text()))
}

// text is the result as a sentence.
func (r lineResult) text() string {
	text := r.State
	switch {
	case r.Already && r.State == wire.StateActive:
		text = "already " + text
	case r.Already:
		text = "already done: " + text
	}
	if r.State == wire.StatePlanned && r.OK {
		text = describe.Expected(r.Outcome)
	}
	if r.State == wire.StatePlanned && !r.OK {
		return r.Message
	}
	if len(r.scopes) > 0 {
		text += " (" + strings.Join(r.scopes, "; ") + ")"
	}
	if r.EndsAt != nil {
		text += " until " + describe.Second(*r.EndsAt)
	}
	if r.Message != "" {
		text += ", " + strings.TrimPrefix(r.Message, r.State+": ")
	}
	return text
}

func resultTable(results []*lineResult) (header []string, lines [][]string) {
	for _, r := range results {
		if r != nil {
			lines = append(lines, []string{
				strconv.Itoa(r.Line), r.Action, r.Principal, r.Role, r.Scope, r.ID, r.text(),
			})
		}
	}
	return []string{"line", "action", "principal", "role", "scope", "id", "result"}, lines
}

// consentWaits shows that a line of a file waits for people, where that changes.
func (b *batch) consentWaits(c applyfile.Change) func(requestrecord.Observation) {
	last := ""
	return func(g requestrecord.Observation) {
		if g.Status == nil || g.Status.State != wire.StateAwaitingApproval {
			return
		}
		text := waitText(c.ID, *g.Status)
		if text == "" || text == last {
			return
		}
		last = text
		b.printed.Lock()
		defer b.printed.Unlock()
		b.remark("line %d: %s", c.Line, describe.Text(text))
	}
}
