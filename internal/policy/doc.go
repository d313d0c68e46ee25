// Package policy decides who must approve which request, how long a role may be held,
// and which requests are refused at once. A policy is a YAML file with conditions in
// CEL; docs/policy.md describes it.
//
// The package is pure: [Load] reads and checks a policy once, and [Policy.Evaluate]
// returns the same result for the same input, at any time and on any machine.
package policy
