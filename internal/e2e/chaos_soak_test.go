//go:build soak

package e2e

import (
	"testing"
	"time"
)

// Some minutes in which everything fails, on both databases. See chaosSeedVar.
func TestSoakChaos(t *testing.T) {
	t.Parallel()
	seed := chaosSeed(t)
	for name, postgres := range map[string]bool{"sqlite": false, "postgresql": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runChaos(t, chaosOptions{
				seed: seed, lasts: 4 * time.Minute, settles: 6 * time.Minute, principals: 30, postgres: postgres,
				once: []onceInChaos{
					(*chaos).fillDisk, (*chaos).loseKeys, (*chaos).loseTemporalDatabase, (*chaos).exchangeKeys,
				},
				meddles: allMeddlings,
			})
		})
	}
}
