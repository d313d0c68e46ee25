//go:build soak

package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/wire"
)

// The worker is killed 15 times during one sync.
func TestSoakKill_WorkerManyTimes(t *testing.T) {
	t.Parallel()
	at := make([]int, 15)
	for i := range at {
		at[i] = 8 + i*3
	}
	killWorker(t, at)
}

// A console of the size of a managed service provider, on both databases: the store equals
// the console, with few requests and a small history.
func TestSoakSync_Large(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(*stack){
		"sqlite":     func(*stack) {},
		"postgresql": func(s *stack) { s.database = pgtest.URL(s.t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := consoletest.Preset("mssp")
			require.NoError(t, err)
			s := newStack(t, o)
			database(s)
			s.startWorker()
			run := s.startSync("-1", wire.SyncInput{})
			first := s.syncResult(run)
			require.Equal(t, wire.StatePromoted, first.State)
			require.LessOrEqual(t, first.Requests, 160)
			require.LessOrEqual(t, len(history(s, run.GetID()).Events), 80)
			s.requireStoreMatchesConsole()
			second := s.runSync("-2")
			require.Equal(t, wire.StateUnchanged, second.State)
			require.Zero(t, second.Changes)
		})
	}
}

// Passing faults of every kind occur at random during a long sync; the log has the seed.
// The store equals the console in the end.
func TestSoakFaults_Random(t *testing.T) {
	t.Parallel()
	for round := range 5 {
		seed := uint64(time.Now().UnixNano())
		t.Logf("round %d: seed %d", round, seed)
		chance := rand.New(rand.NewPCG(seed, 0))
		s := newStack(t, consoletest.Options{Seed: seed, Sites: 2500, Users: 12_000, ServiceUsers: 3500})
		s.queue += string(rune('a' + round))
		for _, kind := range consoletest.FaultKinds() {
			if isFinalFault(kind) {
				continue
			}
			s.console.AddFault(consoletest.Fault{
				Name: kind, Only: consoletest.OnlyPages, After: chance.IntN(20), Every: 1 + chance.IntN(4),
				Times: 1 + chance.IntN(2), Delay: 50 * time.Millisecond, RetryAfter: time.Second,
			})
		}
		s.startWorker()
		run := s.startSync(string(rune('a'+round)), wire.SyncInput{})
		require.Equal(t, wire.StatePromoted, s.syncResult(run).State)
		s.requireStoreMatchesConsole()
		s.worker.Kill()
	}
}
