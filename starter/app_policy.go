package main

import "sentinelone-provisioner/internal/policy"

// policyFileHelp is the sentence of commands with an optional argument FILE.
const policyFileHelp = "Without FILE, the policy of POLICY_FILE is used, else the built-in one."

// policyOf reads the policy a command is about: the argument, else the configured one.
func (p *app) policyOf(args []string) (path string, checked *policy.Policy, err error) {
	path = p.cfg.Worker.Policy
	if len(args) > 0 {
		path = args[0]
	}
	if path == "" {
		return "", policy.BuiltIn(), nil
	}
	checked, err = policy.Load(path)
	return path, checked, err
}
