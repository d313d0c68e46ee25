package policy

import (
	"strings"

	"sentinelone-provisioner/internal/describe"
)

// haveMembers is "has 1 member", or "have 2 different members" for several groups.
func haveMembers(groups, members int) string {
	if groups == 1 {
		return "has " + describe.Plural(members, "member")
	}
	return "have " + describe.Plural(members, "different member")
}

// oneLine is the text without line breaks.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
