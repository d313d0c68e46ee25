package wire

import (
	"encoding/json"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// ConnectionType is the type of the workflow that checks the connection to a console now and then. The worker starts
// it.
const ConnectionType = "Connection"

const connectionPrefix = "connection/"

// ConnectionID is the workflow id of the one workflow that checks the connection to a console.
func ConnectionID(console string) string { return connectionPrefix + console }

// CheckSignal asks workflow Connection for a check soon, such as after a sync. It has no payload.
const CheckSignal = "check"

// ConnectionCheckActivity checks the connection once.
const ConnectionCheckActivity = "Connection.Check"

// ConnectionInput is the input of workflow Connection ([ConnectionType]).
type ConnectionInput struct {
	// Console must be the one that the worker serves: its host and port, if any.
	Console string `json:"console"`
	// Last is the status of the run before; nil for the first run.
	Last *ConnectionStatus `json:"last,omitempty"`
}

// UnmarshalJSON fails on unknown fields.
func (in *ConnectionInput) UnmarshalJSON(data []byte) error {
	type plain ConnectionInput
	return strict(data, (*plain)(in))
}

// maxReportBytes is more than a report takes: all its lists are bounded.
const maxReportBytes = 64 << 10

// Limits implements [Limited].
func (in ConnectionInput) Limits() error {
	if in.Last != nil && len(in.Last.Report) > maxReportBytes {
		return fmt.Errorf("last.report is %d bytes long, and the limit is %d", len(in.Last.Report), maxReportBytes)
	}
	return access.Length("console", in.Console, access.MaxConsoleBytes)
}

// ConnectionStatus answers [StatusQuery] on workflow Connection.
type ConnectionStatus struct {
	// Report is what the latest check that succeeded has found, as a Report of package connection; null before it.
	// It was judged then: its goodUntil says until when its label holds.
	Report json.RawMessage `json:"report"`
	// Fault is why the latest check did not succeed; "" if it did.
	Fault       string     `json:"fault,omitempty"`
	NextCheckAt *time.Time `json:"nextCheckAt,omitempty"` // at the latest; nil while one is being made
}

// ConnectionCheckInput is the input of [ConnectionCheckActivity].
type ConnectionCheckInput struct {
	Console string `json:"console"`
}

// ConnectionCheckResult is the result of [ConnectionCheckActivity].
type ConnectionCheckResult struct {
	Report json.RawMessage `json:"report"` // as in [ConnectionStatus]
	// Every is the pause until the next check, by the worker's settings; 0 if it makes no checks.
	Every access.Duration `json:"every"`
}
