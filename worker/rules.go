package main

import (
	"errors"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
)

// rules say who must consent to what, and how it is known who did.
type rules struct {
	policy  *policy.Policy          // the built-in one where no file is named
	signers *signing.AllowedSigners // nil: names are taken as claimed
}

func loadRules(cfg config.Config) (r rules, err error) {
	var faults [2]error
	r.policy, faults[0] = cfg.Worker.LoadPolicy()
	r.signers, faults[1] = cfg.Signing.Signers()
	return r, errors.Join(faults[:]...)
}

// holds is by what a delegation is told not to count; nothing where names are taken as
// claimed.
func (r rules) holds() []func(access.Delegation) error {
	if r.signers == nil {
		return nil
	}
	return []func(access.Delegation) error{func(d access.Delegation) error {
		_, err := r.signers.HoldsDelegation(d)
		return err
	}}
}
