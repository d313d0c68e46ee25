//go:build soak

package e2e

import (
	"testing"
	"time"
)

// Longer walks of an adversary among honest people; the log has their seeds.
func TestSoakAttack_RandomWalk(t *testing.T) {
	t.Parallel()
	randomWalk(t, uint64(time.Now().UnixNano()), 3*time.Minute)
}
