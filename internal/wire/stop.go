package wire

import "sentinelone-provisioner/internal/access"

// StopActivityInput is the input of [StopActivity] and of [SyncDecideActivity], which verify
// and record a message that stops a request, or decides about a quarantined snapshot, before
// the workflow acts on it.
type StopActivityInput struct {
	// Request is the request or the sync. Its Run is the original run id.
	Request RequestInfo `json:"request"`
	Stop    access.Stop `json:"stop"` // as sent
	// Refusal says why the message does not count, by the workflow's rules; "" if it may.
	Refusal string `json:"refusal,omitempty"`
	// StartedBy is who started the sync, as claimed; "" for a schedule and for a request.
	StartedBy string `json:"startedBy,omitempty"`
}

// StopResult says whether the message counts.
type StopResult struct {
	Signed  string `json:"signed"`            // fingerprint of the key, or [access.Unsigned]
	Refusal string `json:"refusal,omitempty"` // "" if it counts
	// Pending says which confirmations of a sync the policy still asks for; "" if none.
	Pending string `json:"pending,omitempty"`
}
