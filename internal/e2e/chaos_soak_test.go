//go:build soak

package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// chaosLastsVar names how long the faults go on, such as 1m.
const chaosLastsVar = "CHAOS_LASTS"

// Some minutes in which everything fails, on one database and then on the other. No other test runs beside it: access
// must be gone in time on a machine of two cores. See chaosSeedVar.
//
//nolint:paralleltest // see above
func TestSoakChaos(t *testing.T) {
	seed, lasts := chaosSeed(t), 4*time.Minute
	if given := os.Getenv(chaosLastsVar); given != "" {
		var err error
		lasts, err = time.ParseDuration(given)
		require.NoError(t, err, chaosLastsVar)
	}
	for name, postgres := range map[string]bool{"sqlite": false, "postgresql": true} {
		t.Run(name, func(t *testing.T) {
			runChaos(t, chaosOptions{
				seed: seed, lasts: lasts, settles: settleWithin, principals: 30, postgres: postgres,
				once: []onceInChaos{
					(*chaos).fillDisk, (*chaos).loseKeys, (*chaos).loseTemporalDatabase, (*chaos).exchangeKeys,
				},
				meddles: allMeddlings,
			})
		})
	}
}
