package e2e

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
)

// chaosCall bounds one call of a person or of an operator, in whatever state the stack is.
const chaosCall = 3 * time.Second

// chaosSeedVar names a seed to repeat: CHAOS_SEED=42 make soak TESTFLAGS='-run TestSoakChaos'. It fixes
// which requests and faults come, in which order. When each meets the other depends on the machine.
const chaosSeedVar = "CHAOS_SEED"

// chaosOptions say how long the faults last, and which they are.
type chaosOptions struct {
	seed       uint64
	lasts      time.Duration // of people and faults
	settles    time.Duration // at most, for what must end after all is healed
	principals int
	postgres   bool          // instead of SQLite
	once       []onceInChaos // in this order, evenly spread over the time
	meddles    []meddling
	workers    int          // that are kept running; two if it is 0
	policy     string       // that workers follow; "" for one that approves everything
	prepare    func(*stack) // what is done before workers start; nil for nothing
}

// chaos is a stack of its own on which people request access while everything that the stack
// consists of fails: workers, Temporal, the database, its disk, the console and the payload keys.
type chaos struct {
	*grantEnv

	o        chaosOptions
	users    []access.Principal
	deeds    *journal
	postgres *pgtest.Server // nil on SQLite
	disk     *fullDisk
	workers  []*keptWorker
	keys     *payloadKeys
	// One thing at a time happens to the Temporal server, and to PostgreSQL.
	server, crash sync.Mutex

	mu        sync.Mutex
	asked     []*askedFor // time-bound requests, oldest first
	permanent map[string]*permanentRole
	syncs     int
}

// chaosSeed is the given one, or a new one. The log has it.
func chaosSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv(chaosSeedVar); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		require.NoError(t, err, chaosSeedVar)
	}
	t.Logf("%s=%d repeats this run", chaosSeedVar, seed)
	return seed
}

// Half a minute in which everything fails, from a seed that never changes. The soak test lasts longer, on
// both databases.
func TestChaos_HalfAMinute(t *testing.T) {
	t.Parallel()
	runChaos(t, chaosOptions{
		seed: 11, lasts: 30 * time.Second, settles: settleWithin, principals: 10,
		once: []onceInChaos{(*chaos).loseKeys, (*chaos).fillDisk}, meddles: allMeddlings,
	})
}

// runChaos lets people and faults act for some time, heals everything, waits for what must end, and
// judges the console.
func runChaos(t *testing.T, o chaosOptions) {
	t.Helper()
	c := newChaos(t, o)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s=%d; what happened:\n%s", chaosSeedVar, o.seed, c.deeds.text())
		}
	})
	ctx, stop := context.WithTimeout(t.Context(), o.lasts)
	defer stop()
	var all sync.WaitGroup
	for n, a := range c.actors() {
		all.Go(func() {
			chance := mathrand.New(mathrand.NewPCG(o.seed, uint64(n)))
			for {
				pause(ctx, a.every/2+time.Duration(chance.Int64N(int64(a.every))))
				if ctx.Err() != nil {
					return
				}
				a.act(ctx, chance)
			}
		})
	}
	all.Go(func() { c.doOnce(ctx) })
	all.Wait()
	c.heal()
	c.requireHealed()
}

// actor does one thing after the other, some time apart.
type actor struct {
	every time.Duration
	act   func(context.Context, *mathrand.Rand)
}

func (c *chaos) actors() []actor {
	return []actor{
		{500 * time.Millisecond, c.requestTimed},
		{2 * time.Second, c.moveEnd},
		{time.Second, c.movePermanent},
		{30 * time.Second, c.startASync},
		{8 * time.Second, c.killSomething},
		{6 * time.Second, c.disturbConsole},
		{1500 * time.Millisecond, c.meddle},
	}
}

func newChaos(t *testing.T, o chaosOptions) *chaos {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	server, err := testbed.StartDevServer(ctx, filepath.Join(t.TempDir(), "temporal.db"))
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	world := grantworld.Options()
	world.ServiceUsers = 100 // so many that the end of all leases is no mass loss to a sync
	s := newStackOn(t, server, world)
	c := &chaos{
		o: o, keys: newPayloadKeys(t), permanent: map[string]*permanentRole{},
		deeds: &journal{tampered: map[string]string{}, granted: map[string]bool{}},
	}
	s.client = c.keys.client(t, server)
	if o.postgres {
		c.disk = &fullDisk{}
		c.postgres = pgtest.StartServer(t, "synchronous_commit=on")
		s.database, err = c.postgres.Database(ctx, "chaos")
		require.NoError(t, err)
		s.extraEnv = append(s.extraEnv, "LEDGER_KEY_FILE="+sshtest.New(t).Save(t, ""))
	} else {
		c.disk = newFullDisk(t)
		s.database = "sqlite://" + filepath.Join(c.disk.folder, "store.db")
	}
	s.extraEnv = append(s.extraEnv, "LOG_LEVEL=info")
	if o.policy != "" {
		s.setPolicy(o.policy)
	}
	if o.prepare != nil {
		o.prepare(s)
	}
	c.grantEnv = prepareGrantEnv(t, s)
	for n := range o.principals {
		c.users = append(c.users, c.world.AddUser(fmt.Sprintf("user%d@example.com", n)))
	}
	c.startWorkers(cmp.Or(o.workers, 2))
	return c
}

// payloadKeys are the keys with which payloads are encrypted, as the workers are given them.
type payloadKeys struct {
	right, wrong string // files

	mu  sync.Mutex
	now string // file; "" for none
}

func newPayloadKeys(t *testing.T) *payloadKeys {
	t.Helper()
	write := func() string {
		key := make([]byte, 32)
		_, err := rand.Read(key)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "keys")
		require.NoError(t, os.WriteFile(file, []byte("2026:"+base64.StdEncoding.EncodeToString(key)+"\n"), 0o600))
		return file
	}
	k := &payloadKeys{right: write(), wrong: write()}
	k.now = k.right
	return k
}

// give says with which keys workers start from now on.
func (k *payloadKeys) give(file string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = file
}

// env is the setting of a worker that starts now.
func (k *payloadKeys) env() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now == "" {
		return nil
	}
	return []string{"PAYLOAD_KEYS_FILE=" + k.now}
}

// client is a client of Temporal that has the right keys.
func (k *payloadKeys) client(t *testing.T, server *testbed.DevServer) client.Client {
	t.Helper()
	keys, err := codec.ReadKeys(k.right)
	require.NoError(t, err)
	out, err := server.ClientWithKeys(t.Context(), keys)
	require.NoError(t, err)
	t.Cleanup(out.Close)
	return out
}
