// Package policy says who must consent to which request, for how long a role may be
// held, and what is refused at once. A policy is a YAML file with conditions in CEL;
// docs/policy.md describes it.
//
// The package is pure: a policy is read and checked once ([Load]), and [Policy.Decide]
// gives the same answer to the same question, whatever the time and the machine.
package policy
