package sync

import (
	"context"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// memberCheck is what holding roles against usersInRoles came to.
type memberCheck struct {
	again    []access.Collection
	warnings []string
	reasons  []string // to quarantine
}

// checkMembers compares how many hold each role, as this snapshot saw it, with the
// console's own usersInRoles.
//
// What that number counts is not documented: users, or service users too, or
// assignments. So it is used only where one reading explains at least nine roles
// in ten; then a role that differs is looked at again by walking the principals
// once more, and is a warning if it still differs.
//
// One thing holds under every reading: where a role has more members than there
// are service users who hold it, there are users. A console that lists none then
// has not told everything, though its counts agree.
func checkMembers(in wire.SyncSettleInput, got assessment) memberCheck {
	if !comparesMembers(in) || len(got.roles) == 0 {
		return memberCheck{}
	}
	if missing := noUsers(got.roles, got.seen); missing != "" {
		return memberCheck{reasons: []string{missing}}
	}
	odd := unbalanced(got.roles, got.seen)
	out := memberCheck{warnings: odd}
	if len(odd) > 0 && !in.Rechecked {
		out.again = []access.Collection{access.Users, access.ServiceUsers}
	}
	return out
}

// comparesMembers says that the snapshot has what it takes.
func comparesMembers(in wire.SyncSettleInput) bool {
	return slices.Contains(in.Collections, access.Roles) && slices.Contains(in.Collections, access.Users) &&
		slices.Contains(in.Collections, access.ServiceUsers)
}

// noUsers says why there must be users although none came; "" if some came, or
// if there need not be any.
func noUsers(roles []console.RoleRow, seen map[string]store.RoleMembers) string {
	for _, m := range seen {
		if m.Users > 0 {
			return ""
		}
	}
	for _, r := range roles {
		if m := seen[r.ID]; *r.UsersInRoles > max(m.ServiceUsers, m.Assignments) {
			return fmt.Sprintf("no users were received, but the console counts %d members of role %q (%s)",
				*r.UsersInRoles, r.Name, r.ID)
		}
	}
	return ""
}

// countedRoles lists the roles anew: their counts must be younger than the walk
// of the principals.
func (s *Activities) countedRoles(ctx context.Context) ([]console.RoleRow, error) {
	var out []console.RoleRow
	for cursor := ""; ; {
		got, err := s.console.Roles(ctx, console.ListOptions{Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, row := range got.Items {
			if row.UsersInRoles != nil {
				out = append(out, row)
			}
		}
		if cursor = got.Next; cursor == "" {
			return out, nil
		}
	}
}

// readings are the meanings usersInRoles may have.
var readings = []func(store.RoleMembers) int{
	func(m store.RoleMembers) int { return m.Users },
	func(m store.RoleMembers) int { return m.Users + m.ServiceUsers },
	func(m store.RoleMembers) int { return m.Assignments },
}

// minRolesToJudge is how many roles with members a reading must explain before
// it is believed.
const minRolesToJudge = 3

// unbalanced describes the roles that differ under the reading that explains the
// most roles, or nothing if no reading explains enough of them.
func unbalanced(roles []console.RoleRow, seen map[string]store.RoleMembers) []string {
	var best []string
	for i, reading := range readings {
		odd, right := compare(roles, seen, reading)
		if right < minRolesToJudge || len(odd)*10 > len(roles) {
			continue
		}
		if i == 0 || best == nil || len(odd) < len(best) {
			best = odd
		}
		if len(odd) == 0 {
			return nil
		}
	}
	return best
}

func compare(
	roles []console.RoleRow, seen map[string]store.RoleMembers, reading func(store.RoleMembers) int,
) (odd []string, right int) {
	for _, r := range roles {
		got := reading(seen[r.ID])
		switch {
		case got != *r.UsersInRoles:
			odd = append(odd, fmt.Sprintf("role %q (%s): the console counts %d members, the sync saw %d",
				r.Name, r.ID, *r.UsersInRoles, got))
		case got > 0:
			right++
		}
	}
	return odd, right
}
