package wire

import "sentinelone-provisioner/internal/access"

// ExtendActivityInput is the input of [ExtendActivity], which verifies who asks for a later end
// of a grant, finds out who must approve it, and records it before anybody is asked.
type ExtendActivityInput struct {
	Request RequestInfo `json:"request"`
	// Extension is what is asked for, without approval, key and hash.
	Extension access.ExtensionRequest `json:"extension"`
}

// ExtendResult is the extension as recorded.
type ExtendResult struct {
	Extension access.ExtensionRequest `json:"extension"`
	// Refusal says why nobody is asked; "" if people are, or need not be.
	Refusal string `json:"refusal,omitempty"`
	// Entry is the number of its ledger entry, for notifications.
	Entry int64 `json:"entry,omitempty"`
}
