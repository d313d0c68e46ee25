//go:build soak

package activities

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// A month of a user with 6,000 roles and fifty leases: see TestMonth_RolesAndLeases. SOAK_ROLES is another number of
// roles.
func TestSoakMonth(t *testing.T) {
	t.Parallel()
	roles := 6000
	if given := os.Getenv("SOAK_ROLES"); given != "" {
		var err error
		roles, err = strconv.Atoi(given)
		require.NoError(t, err, "SOAK_ROLES")
	}
	newMonth(t, roles, 50).pass()
}
