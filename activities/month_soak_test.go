//go:build soak

package activities

import "testing"

// A month of a user with 6,000 roles and fifty leases: see TestMonth_RolesAndLeases.
func TestSoakMonth(t *testing.T) {
	t.Parallel()
	newMonth(t, 6000, 50).pass()
}
