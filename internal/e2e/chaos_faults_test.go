package e2e

import (
	"context"
	mathrand "math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
)

// keptWorker is a worker that is started again whenever it has ended, as systemd does it.
type keptWorker struct {
	*chaos

	output *testbed.Output

	mu      sync.Mutex
	process *testbed.Process
}

// againAfter is the pause before a worker that has ended is started again.
const againAfter = 500 * time.Millisecond

// startWorkers keeps workers running until the test ends.
func (c *chaos) startWorkers(n int) {
	c.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range n {
		w := &keptWorker{chaos: c, output: c.workerOutput}
		c.workers = append(c.workers, w)
		all.Go(func() { w.keep(ctx) })
	}
	c.t.Cleanup(func() { stop(); all.Wait() })
}

func (w *keptWorker) keep(ctx context.Context) {
	for ctx.Err() == nil {
		p, err := testbed.StartProcess(w.output, append(w.env(), w.keys.env()...), programs.Worker)
		if err != nil {
			w.deeds.note("a worker does not start: %v", err)
			pause(ctx, againAfter)
			continue
		}
		w.mu.Lock()
		w.process = p
		w.mu.Unlock()
		if w.postgres == nil {
			w.disk.limitIfFull(p.Pid()) //nolint:contextcheck // it heals
		}
		select {
		case <-p.Done():
			w.deeds.note("worker %d has ended", p.Pid())
		case <-ctx.Done():
			p.Kill()
		}
		pause(ctx, againAfter)
	}
}

// kill kills the worker with -9.
func (w *keptWorker) kill() {
	w.mu.Lock()
	p := w.process
	w.mu.Unlock()
	if p != nil {
		p.Kill()
	}
}

func (w *keptWorker) pid() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process == nil {
		return 0
	}
	return w.process.Pid()
}

func (c *chaos) killWorkers() {
	for _, w := range c.workers {
		w.kill()
	}
}

// killSomething kills a worker, the Temporal server or the database.
func (c *chaos) killSomething(ctx context.Context, chance *mathrand.Rand) {
	down := time.Duration(chance.Int64N(int64(3 * time.Second)))
	switch n := chance.IntN(4); {
	case n == 0 && c.postgres != nil:
		c.crashPostgres(ctx, down)
	case n == 1:
		c.restartServer(ctx, down, "")
	default:
		c.deeds.note("a worker is killed")
		c.workers[chance.IntN(len(c.workers))].kill()
	}
}

func (c *chaos) crashPostgres(ctx context.Context, down time.Duration) {
	c.crash.Lock()
	defer c.crash.Unlock()
	c.deeds.note("PostgreSQL crashes for %s: %v", down, c.postgres.Crash())
	pause(ctx, down)
	c.deeds.note("PostgreSQL starts again: %v", c.postgres.Restart()) //nolint:contextcheck // it heals
}

// restartServer kills the Temporal server and starts it again: on its database, or on a new one.
func (c *chaos) restartServer(ctx context.Context, down time.Duration, newDatabase string) {
	c.server.Lock()
	defer c.server.Unlock()
	c.deeds.note("the Temporal server is killed for %s", down)
	c.temporal.Kill()
	pause(ctx, down)
	if newDatabase != "" {
		c.temporal.UseDatabase(newDatabase)
	}
	c.untilServerRuns() //nolint:contextcheck // it heals
}

// untilServerRuns starts the Temporal server, also once ctx of the faults has ended.
func (c *chaos) untilServerRuns() {
	ctx, stop := context.WithTimeout(context.WithoutCancel(c.t.Context()), startLimit)
	defer stop()
	c.deeds.note("the Temporal server runs again: %v", c.temporal.Restart(ctx))
}

// consoleFaults are those that pass: after each of them, the console says the truth.
func consoleFaults(chance *mathrand.Rand) []consoletest.Fault {
	put := http.MethodPut
	faults := [][]consoletest.Fault{
		{{Name: consoletest.BadGateway}},
		{{Name: consoletest.CutBefore}},
		{{Name: consoletest.RateLimited, Every: 2, RetryAfter: time.Second}},
		{{Name: consoletest.Slow, Delay: 2 * time.Second}},
		{{Name: consoletest.CutAfter, Method: put}},
		{{Name: consoletest.CutBefore, Method: put}},
		{{Name: consoletest.ErrorAfter, Method: put}},
		{{Name: consoletest.ServerError, Method: put, Every: 2}},
		{{Name: consoletest.Conflict, Method: put, Every: 3}},
		{{Name: consoletest.Truncated, Path: "/users", Every: 2}},
		{{Name: consoletest.Stale, Delay: 4 * time.Second}},
		{{Name: consoletest.Stale, Delay: 4 * time.Second}, {Name: consoletest.CutAfter, Method: put, Every: 2}},
	}
	return faults[chance.IntN(len(faults))]
}

// disturbConsole has the console fail for some seconds.
func (c *chaos) disturbConsole(ctx context.Context, chance *mathrand.Rand) {
	lasts := time.Duration(1+chance.IntN(8)) * time.Second
	var ids []string
	for _, f := range consoleFaults(chance) {
		ids = append(ids, c.console.AddFault(f))
		c.deeds.note("the console: %s %s every %d for %s", f.Name, f.Method, f.Every, lasts)
	}
	pause(ctx, lasts)
	for _, id := range ids {
		c.console.RemoveFault(id)
	}
	c.deeds.note("the console is well")
}

// onceInChaos is a fault that happens once.
type onceInChaos func(*chaos, context.Context)

// doOnce does what happens once, evenly spread over the time.
func (c *chaos) doOnce(ctx context.Context) {
	for _, do := range c.o.once {
		pause(ctx, c.o.lasts/time.Duration(len(c.o.once)+1))
		if ctx.Err() != nil {
			return
		}
		do(c, ctx)
	}
}

// onceFor is how long a fault lasts that happens once.
const onceFor = 6 * time.Second

func (c *chaos) loseTemporalDatabase(ctx context.Context) {
	c.deeds.note("Temporal's database is lost")
	c.mu.Lock()
	for _, p := range c.permanent {
		if p.open != "" {
			p.open, p.unknown = "", true
		}
	}
	c.mu.Unlock()
	c.restartServer(ctx, time.Second, filepath.Join(c.t.TempDir(), "temporal-2.db"))
	// An operator starts the workers anew, which registers the search attributes again.
	c.killWorkers()
}

func (c *chaos) loseKeys(ctx context.Context)     { c.withKeys(ctx, "") }
func (c *chaos) exchangeKeys(ctx context.Context) { c.withKeys(ctx, c.keys.wrong) }

// withKeys restarts the workers without payload keys, or with another key under the same id, and
// gives the right ones back.
func (c *chaos) withKeys(ctx context.Context, file string) {
	c.deeds.note("the workers start with the keys %q", file)
	c.keys.give(file)
	c.killWorkers()
	pause(ctx, onceFor)
	c.keys.give(c.keys.right)
	c.deeds.note("the workers start with the right keys")
	c.killWorkers()
}
