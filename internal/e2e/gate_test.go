package e2e

import (
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// gate holds chosen requests back before the console does any work for them, until it
// is opened.
type gate struct {
	*roles

	mu     sync.Mutex
	calls  map[string]callOf // by path
	seen   map[string]int    // requests of the call's method, by path
	count  int
	opened chan struct{}
	open   func()
}

func newGate(r *roles) *gate {
	g := &gate{roles: r, calls: map[string]callOf{}, seen: map[string]int{}, opened: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.opened) })
	r.t.Cleanup(g.open) // the console waits for its requests before it closes
	r.console.OnRequest(g.pass)
	return g
}

// hold chooses one request about a user.
func (g *gate) hold(p access.Principal, call callOf) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls["/users/"+p.ID] = call
}

func (g *gate) pass(q consoletest.Request) {
	if g.holds(q) {
		<-g.opened
	}
}

func (g *gate) holds(q consoletest.Request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	call, ok := g.calls[q.Path]
	if !ok || q.Method != call.method {
		return false
	}
	g.seen[q.Path]++
	if g.seen[q.Path] != call.after+1 {
		return false
	}
	g.count++
	return true
}

// untilHeld waits until so many requests are held back.
func (g *gate) untilHeld(n int) {
	g.t.Helper()
	require.Eventually(g.t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.count == n
	}, limit, 20*time.Millisecond)
}
