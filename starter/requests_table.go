package main

import (
	"cmp"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

// requestsTable is the table of requests, with ids behind names that are not unique.
func requestsTable(rows []requestrecord.Row) (header []string, lines [][]string) {
	var labels describe.Labels
	for _, r := range rows {
		labels.Add("principal", cmp.Or(r.Principal.Email, r.Principal.Name), r.Principal.ID)
		labels.Add("role", r.Role.Name, r.Role.ID)
		labels.Add("scope", r.Scope.Name, r.Scope.ID)
	}
	for _, r := range rows {
		scope := cmp.Or(labels.Label("scope", r.Scope.Name, r.Scope.ID), string(r.Scope.Level))
		lines = append(lines, []string{
			r.ID, operation(r), labels.Label("principal", cmp.Or(r.Principal.Email, r.Principal.Name), r.Principal.ID),
			labels.Label("role", r.Role.Name, r.Role.ID), scope, r.Requester, describe.Minute(r.AskedAt), stateCell(r),
		})
	}
	return []string{"id", "what", "principal", "role", "scope", "requester", "requested", "state"}, lines
}

// operation names the operation, with the duration of a time-bound grant.
func operation(r requestrecord.Row) string {
	if r.Op == access.OpAcquire {
		return fmt.Sprintf("%s %s", access.OpGrant, describe.Duration(r.Duration))
	}
	return string(r.Op)
}

// stateCell is the state with its end, what it waits for, its outcome or its failure.
func stateCell(r requestrecord.Row) string {
	text := r.State
	switch {
	case r.Access != nil && (r.State == wire.StateFailed || r.State == requestrecord.StateOpen ||
		r.Access.State == requestrecord.HeldOverdue):
		return text + ": access " + r.Access.Text()
	case r.EndsAt != nil:
		text += " until " + describe.Minute(*r.EndsAt)
	case r.Waiting != "":
		text += ": " + r.Waiting
	case r.Outcome != "":
		text += ": " + string(r.Outcome)
	case r.State == wire.StateFailed, r.State == requestrecord.StateUnreadable:
		text += ": " + r.Message
	}
	return text
}
