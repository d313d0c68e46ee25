package main

import (
	"errors"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
)

// rules hold the approval policy and the keys that verify requests and decisions.
type rules struct {
	policy  *policy.Policy          // the built-in one without POLICY_FILE
	signers *signing.AllowedSigners // nil: names are not verified
}

func loadRules(cfg config.Config) (r rules, err error) {
	var faults [2]error
	r.policy, faults[0] = cfg.Worker.LoadPolicy()
	r.signers, faults[1] = cfg.Signing.Signers()
	return r, errors.Join(faults[:]...)
}
