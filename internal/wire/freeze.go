package wire

import (
	"errors"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// FreezeType is the type of the workflow that stops all giving of access on a console, or has
// it go on.
const FreezeType = "Freeze"

const freezePrefix = "freeze/"

// FreezeID is the customary workflow id of a freeze or an unfreeze; any other works too. It
// holds no name and no address.
func FreezeID(id string) string { return freezePrefix + id }

// Actions of [FreezeInput].
const (
	FreezeAction   = "freeze"
	UnfreezeAction = "unfreeze"
)

// FreezeInput is the input of workflow Freeze ([FreezeType]).
type FreezeInput struct {
	Action string `json:"action"` // freeze or unfreeze
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"` // of a freeze required
	// Console, if given, must be the one that the worker serves: its host and port, if any. A
	// signed input has it, since it is part of what is signed.
	Console string `json:"console,omitempty"`
	Signed
}

// UnmarshalJSON fails on unknown fields.
func (in *FreezeInput) UnmarshalJSON(data []byte) error {
	type plain FreezeInput
	return strict(data, (*plain)(in))
}

// Validate says what is wrong with the input, all of it.
func (in FreezeInput) Validate() error {
	var fault error
	if in.Action != FreezeAction && in.Action != UnfreezeAction {
		fault = fmt.Errorf("action is %q: write %s or %s", in.Action, FreezeAction, UnfreezeAction)
	}
	return errors.Join(fault, in.Freeze().Validate())
}

// Limits implements [Limited].
func (in FreezeInput) Limits() error {
	return errors.Join(access.Length("action", in.Action, access.MaxIDBytes), personGiven("by", in.By),
		access.Length("reason", in.Reason, access.MaxReasonBytes),
		access.Length("signature", in.Signature, access.MaxSignatureBytes),
		access.Length("console", in.Console, access.MaxConsoleBytes))
}

// Freeze is the message that the input sends.
func (in FreezeInput) Freeze() access.Freeze {
	return access.Freeze{
		Frozen: in.Action == FreezeAction, By: strings.TrimSpace(in.By), Reason: in.Reason, Console: in.Console,
		Signature: in.Signature, SignedAt: in.SignedAt,
	}
}

// FreezeActivityInput is the input of [FreezeActivity], which records a freeze or an unfreeze.
type FreezeActivityInput struct {
	Request RequestInfo   `json:"request"` // the workflow Freeze
	Freeze  access.Freeze `json:"freeze"`  // as sent
}

// FreezeResult is the result of workflow Freeze, and of [FreezeActivity].
type FreezeResult struct {
	Freeze  access.Freeze `json:"freeze"`            // as recorded
	Refusal string        `json:"refusal,omitempty"` // why it does not count; "" if it counts
	// Giving says whether giving access is frozen after it.
	Giving access.FreezeState `json:"giving"`
}

// State is the state that the message leads to.
func (r FreezeResult) State() string {
	switch {
	case r.Refusal != "":
		return StateRefused
	case r.Freeze.Frozen:
		return StateFrozen
	case r.Giving.Frozen:
		return StateUnfreezing
	}
	return StateUnfrozen
}

// States of a freeze or an unfreeze.
const (
	StateRecording  = "recording"
	StateFrozen     = "frozen"
	StateUnfreezing = "unfreezing" // it counts, and more people must ask for it
	StateUnfrozen   = "unfrozen"
)

// FreezeStatus answers [StatusQuery] on a freeze or an unfreeze.
type FreezeStatus struct {
	State   string              `json:"state"` // recording, frozen, unfreezing, unfrozen or refused
	Freeze  access.Freeze       `json:"freeze"`
	Giving  *access.FreezeState `json:"giving,omitempty"` // once it is recorded
	Message string              `json:"message,omitempty"`
}
