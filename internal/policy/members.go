package policy

import (
	"slices"

	"sentinelone-provisioner/internal/access"
)

// Names says whether a person is a member of a group of the policy. The group
// [access.Anyone] names nobody.
func (p *Policy) Names(person string) bool {
	for _, members := range p.groups {
		if slices.Contains(members, access.Fold(person)) {
			return true
		}
	}
	return false
}
