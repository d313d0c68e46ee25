package wire

import "sentinelone-provisioner/internal/access"

// CreateInput is the input of [UserCreateActivity] and [ServiceUserCreateActivity], which
// create the account of a plan.
type CreateInput struct {
	Request RequestInfo `json:"request"`
	// Key identifies the change: a second attempt with the same key changes nothing more.
	Key  string      `json:"key"`
	Plan access.Plan `json:"plan"`
	// Cancel ends the creation: the activity finds out whether earlier calls arrived, and
	// deletes a service user whose token was not stored.
	Cancel bool `json:"cancel,omitempty"`
}

// CreateResult is the proof of a creation, or why there is no account.
type CreateResult struct {
	Proof access.Proof `json:"proof"`
	// Refused says that the account is not there as it was requested, and that trying again
	// would not change that; Message says why.
	Refused bool   `json:"refused,omitempty"`
	Message string `json:"message,omitempty"`
}
