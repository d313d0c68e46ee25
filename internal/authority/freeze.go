package authority

import (
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
)

// FreezeRules are what a worker judges freezes by.
type FreezeRules struct {
	Console string
	// Signers verifies signatures; nil if the worker does not.
	Signers *signing.AllowedSigners
	// Policy is the worker's present one. Its rules for unfreeze say who ends a freeze.
	Policy *policy.Policy
	// Recorded takes the keys as they are recorded where Signers is nil. It is for showing
	// the state, not for deciding: what began signed is not ended by names.
	Recorded bool
}

// FrozenBy says whether giving access is frozen, by the entries of kind freeze, in their
// order (store.LedgerOfSubject with [ledger.FreezeSubject]).
//
// A freeze that counted when it came stands, whatever became of its key. It ends with the
// unfreezes after it that count now: signatures are verified again, so that a key that was
// revoked since ends nothing. In either case the worker chooses what gives less access. The
// error is about a file that cannot be read, so that the answer is not known.
func FrozenBy(entries []ledger.Entry, w FreezeRules) (access.FreezeState, error) {
	f := freezing{rules: w}
	for _, e := range entries {
		body, err := ledger.DecodeAs[ledger.Freeze](e)
		if err != nil {
			return access.FreezeState{}, err
		}
		if body.Refusal == "" {
			if err := f.add(e, body.Freeze); err != nil {
				return access.FreezeState{}, err
			}
		}
	}
	return f.state, nil
}

// freezing replays freezes and unfreezes.
type freezing struct {
	rules  FreezeRules
	state  access.FreezeState
	signed bool              // signatures are required
	by     []access.Decision // unfreezes since the last freeze
}

func (f *freezing) add(e ledger.Entry, m access.Freeze) error {
	if m.Frozen {
		if !f.state.Frozen {
			f.state = access.FreezeState{Frozen: true, Since: e.At, By: m.By, Signed: m.Signed, Reason: m.Reason}
			f.signed = f.rules.Signers != nil
		}
		f.signed = f.signed || m.Signed != access.Unsigned
		f.by, f.state.Unfreezing, f.state.Pending, f.state.Doubts = nil, nil, "", nil
		return nil
	}
	if !f.state.Frozen {
		return nil
	}
	own, doubt, err := f.verify(e, m)
	switch {
	case err != nil:
		return err
	case doubt != "":
		f.state.Doubts = append(f.state.Doubts, doubt)
		return nil
	case slices.ContainsFunc(f.by, func(d access.Decision) bool { return access.Fold(d.By) == access.Fold(m.By) }):
		return nil
	}
	f.by = append(f.by, own)
	return f.judge()
}

// verify is the unfreeze with its verified key. doubt says why it does not count.
func (f *freezing) verify(e ledger.Entry, m access.Freeze) (own access.Decision, doubt string, err error) {
	own = access.Decision{At: e.At, By: m.By, Signed: access.Unsigned}
	switch {
	case !f.signed:
		return own, "", nil
	case f.rules.Signers == nil && f.rules.Recorded && m.Signed != access.Unsigned:
		own.Signed = m.Signed
		return own, "", nil
	case m.Signature == "":
		return own, fmt.Sprintf("the unfreeze of %s is not signed", m.By), nil
	case f.rules.Signers == nil:
		return own, "it was frozen with signatures, and this worker has no ALLOWED_SIGNERS: set it again", nil
	case m.Console != f.rules.Console:
		return own, fmt.Sprintf("the unfreeze of %s is for console %s", m.By, m.Console), nil
	}
	verified, err := f.rules.Signers.Verify(signing.OfFreeze(e.Request, m), m.Signature, e.At)
	if file, ok := errors.AsType[*signing.FileError](err); ok {
		return own, "", file
	}
	if err != nil {
		return own, fmt.Sprintf("the unfreeze of %s does not count: %v", m.By, err), nil
	}
	own.Signed = verified.Fingerprint
	return own, "", nil
}

// judge ends the freeze if the people since are those that the policy asks for.
func (f *freezing) judge() error {
	u := policy.Unfreeze{Console: f.rules.Console, Since: f.state.Since, By: f.by, Signed: f.signed}
	if f.signed && f.rules.Signers != nil {
		keys, err := f.rules.Signers.Keys()
		if err != nil {
			return err
		}
		u.MaySign = keys.MaySignFor
	}
	c, err := f.rules.Policy.Unfreeze(u)
	switch {
	case err != nil:
		return fmt.Errorf("cannot tell who may end the freeze: %w", err)
	case c.Enough:
		*f = freezing{rules: f.rules}
		return nil
	}
	f.state.Unfreezing = nil
	for _, d := range f.by {
		f.state.Unfreezing = append(f.state.Unfreezing, d.By)
	}
	if f.state.Pending = c.Pending; c.Refusal != "" {
		f.state.Pending = "and refused by the policy: " + c.Refusal
	}
	return nil
}
