package main

import (
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
)

// rules say who must consent to what, and how it is known who did.
type rules struct {
	policy  *policy.Policy          // nil: nobody is asked
	signers *signing.AllowedSigners // nil: names are taken as claimed
}

func loadRules(cfg config.Config) (r rules, err error) {
	if cfg.Worker.Policy != "" {
		if r.policy, err = cfg.Worker.LoadPolicy(); err != nil {
			return r, err
		}
	}
	r.signers, err = cfg.Signing.Signers()
	return r, err
}
