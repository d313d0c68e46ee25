//go:build soak

package activities

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// A thousand random interleavings: see TestInterleavings. SOAK_SEED is another one to begin with.
func TestSoakInterleavings(t *testing.T) {
	t.Parallel()
	first := interleavings
	if given := os.Getenv("SOAK_SEED"); given != "" {
		var err error
		first, err = strconv.Atoi(given)
		require.NoError(t, err, "SOAK_SEED")
	}
	runInterleavings(t, first, 1000)
}
