package sync

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/store"
)

// heldRoles makes n roles, each held by 2 users and 3 service users in 7
// assignments, and what the console counts of each.
func heldRoles(n int, counts func(i int) int) ([]console.RoleRow, map[string]store.RoleMembers) {
	var roles []console.RoleRow
	seen := make(map[string]store.RoleMembers)
	for i := range n {
		count := counts(i)
		id := fmt.Sprint(100 + i)
		roles = append(roles, console.RoleRow{
			Role: access.Role{ID: id, Name: "Role"}, UsersInRoles: &count,
		})
		seen[id] = store.RoleMembers{Users: 2, ServiceUsers: 3, Assignments: 7}
	}
	return roles, seen
}

// What usersInRoles counts is not documented, so each reading that explains nine
// roles in ten is taken, and none where no reading does.
func TestUnbalanced(t *testing.T) {
	t.Parallel()
	all := func(count int) func(int) int { return func(int) int { return count } }
	except := func(count, other, exceptions int) func(int) int {
		return func(i int) int {
			if i < exceptions {
				return other
			}
			return count
		}
	}
	odd := func(counted, saw int) []string {
		return []string{fmt.Sprintf(`role "Role" (100): the console counts %d members, the sync saw %d`, counted, saw)}
	}
	cases := map[string]struct {
		roles  int
		counts func(int) int
		want   []string
	}{
		"users":                       {10, all(2), nil},
		"users and service users":     {10, all(5), nil},
		"assignments":                 {10, all(7), nil},
		"no reading":                  {10, all(4), nil},
		"one user missing":            {10, except(2, 3, 1), odd(3, 2)},
		"one service user missing":    {10, except(5, 6, 1), odd(6, 5)},
		"one assignment missing":      {10, except(7, 9, 1), odd(9, 7)},
		"two of ten are too many":     {10, except(2, 3, 2), nil},
		"one of nine is too many":     {9, except(2, 3, 1), nil},
		"too few roles to judge by":   {2, all(2), nil},
		"no roles":                    {0, all(2), nil},
		"counts mixed beyond reading": {10, func(i int) int { return []int{2, 5, 7}[i%3] }, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, unbalanced(heldRoles(c.roles, c.counts)))
		})
	}
}

// Where two readings explain enough, the one that explains more is believed.
func TestUnbalanced_TheBetterReadingWins(t *testing.T) {
	t.Parallel()
	roles, seen := heldRoles(10, func(int) int { return 2 })
	for id := range seen { // no service users: two readings are the same
		seen[id] = store.RoleMembers{Users: 2, Assignments: 2}
	}
	seen["100"] = store.RoleMembers{Users: 1, ServiceUsers: 1, Assignments: 3}
	require.Empty(t, unbalanced(roles, seen))
}

// Roles that nobody holds say nothing about the meaning of the number.
func TestUnbalanced_EmptyRolesProveNothing(t *testing.T) {
	t.Parallel()
	roles, seen := heldRoles(20, func(i int) int {
		if i < 2 {
			return 2
		}
		return 0
	})
	for id := range seen {
		if id > "101" {
			delete(seen, id)
		}
	}
	roles[0].UsersInRoles = new(9)
	require.Empty(t, unbalanced(roles, seen), "one role with members that fits is not enough to judge by")
}
