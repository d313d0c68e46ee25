//go:build soak

package e2e

import (
	"testing"
	"time"
)

// A longer walk of an adversary among honest people, from a new seed each time; the log has it.
func TestSoakAttack_RandomWalk(t *testing.T) {
	t.Parallel()
	randomWalk(t, uint64(time.Now().UnixNano()), time.Minute)
}
