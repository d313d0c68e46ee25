package snapshot

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// QuarantinedError says that syncs wait for a person's decision, so that ConductorOne gets nothing.
type QuarantinedError struct {
	Console   string
	Snapshots []store.Snapshot
}

func (e *QuarantinedError) Error() string {
	parts := make([]string, len(e.Snapshots))
	for i, snap := range e.Snapshots {
		id := ""
		if snap.WorkflowID != "" && (len(e.Snapshots) > 1 || snap.WorkflowID != wire.SyncID(e.Console)) {
			id = " --id " + snap.WorkflowID
		}
		parts[i] = fmt.Sprintf("the sync of %s that began at %s is quarantined, since %s: run `starter confirm%s` if "+
			"that is right, `starter discard%s` if not, or press confirm_sync or discard_sync, then sync again",
			e.Console, snap.StartedAt.UTC().Format(time.RFC3339), strings.Join(snap.Reasons, "; "), id, id)
	}
	return strings.Join(parts, "; ")
}

// GRPCStatus makes it final for ConductorOne.
func (e *QuarantinedError) GRPCStatus() *status.Status {
	return status.New(codes.FailedPrecondition, e.Error())
}

// StaleError says that there is no snapshot that is young enough, and why none came.
type StaleError struct {
	Age string // of the last proven one
	Why string // what to do about it
}

func (e *StaleError) Error() string { return e.Age + ": " + e.Why }

// GRPCStatus makes it final for ConductorOne.
func (e *StaleError) GRPCStatus() *status.Status {
	return status.New(codes.FailedPrecondition, e.Error())
}

func joined(cs []access.Collection) string {
	names := make([]string, len(cs))
	for i, c := range cs {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}

// shortDuration leaves out the zeros of "1h0m0s".
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
