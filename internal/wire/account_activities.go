package wire

import "sentinelone-provisioner/internal/access"

// CreateInput asks for the account of a plan.
type CreateInput struct {
	Request RequestInfo `json:"request"`
	// Key makes repeating the change do nothing.
	Key  string      `json:"key"`
	Plan access.Plan `json:"plan"`
	// Cancel asks that nothing more be made: it finds out what became of what was sent,
	// and takes back what is not whole.
	Cancel bool `json:"cancel,omitempty"`
}

// CreateResult is what became of it.
type CreateResult struct {
	Proof access.Proof `json:"proof"`
	// Refused says that the account is not there as it was asked for, and that asking
	// again would not change that; Message says why.
	Refused bool   `json:"refused,omitempty"`
	Message string `json:"message,omitempty"`
}
