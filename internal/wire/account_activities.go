package wire

import "sentinelone-provisioner/internal/access"

// CreateInput asks for the account of a plan.
type CreateInput struct {
	Request RequestInfo `json:"request"`
	// Key makes repeating the change do nothing.
	Key  string      `json:"key"`
	Plan access.Plan `json:"plan"`
	// Cancel asks to stop: the activity finds out whether earlier calls arrived, and deletes
	// a service user whose token was not stored.
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
