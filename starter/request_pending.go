package main

import (
	"fmt"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// waitText says what a request waits for; "" for nothing. Where it is people, it says how
// they decide.
func waitText(id string, s wire.RequestStatus) string {
	switch {
	case s.Waiting == "":
		return ""
	case s.State == wire.StateAwaitingApproval:
		return fmt.Sprintf("waiting %[1]s: others decide with `starter approve %[2]s` or `starter deny %[2]s`",
			s.Waiting, typed(id))
	}
	return s.State + ": " + s.Waiting
}

// consentWaits shows that a line of a file waits for people, where that changes.
func (b *batch) consentWaits(c fileChange) func(observation) {
	last := ""
	return func(g observation) {
		if g.status == nil || g.status.State != wire.StateAwaitingApproval {
			return
		}
		text := waitText(c.id, *g.status)
		if text == "" || text == last {
			return
		}
		last = text
		b.printed.Lock()
		defer b.printed.Unlock()
		b.remark("line %d: %s", c.line, describe.Text(text))
	}
}
