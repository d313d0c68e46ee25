package e2e

import (
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// requestGate blocks chosen requests, and those of the same kind that follow them, before the
// console carries them out, until it is opened.
type requestGate struct {
	*grantEnv

	mu     sync.Mutex
	calls  map[string]consoleCall // by path
	seen   map[string]int         // requests of the call's method, by path
	count  int
	opened chan struct{}
	open   func()
}

func newRequestGate(r *grantEnv) *requestGate {
	g := &requestGate{grantEnv: r, calls: map[string]consoleCall{}, seen: map[string]int{}, opened: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.opened) })
	r.t.Cleanup(g.open) // the console waits for open requests when it closes
	r.console.OnRequest(g.blockIfChosen)
	return g
}

// blockAt chooses a call about a user to block.
func (g *requestGate) blockAt(p access.Principal, call consoleCall) {
	g.blockPath("/users/"+p.ID, call)
}

// blockPath chooses a call to a path of the API to block.
func (g *requestGate) blockPath(path string, call consoleCall) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls[path] = call
}

func (g *requestGate) blockIfChosen(q consoletest.Request) {
	if g.chosen(q) {
		<-g.opened
	}
}

func (g *requestGate) chosen(q consoletest.Request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	call, ok := g.calls[q.Path]
	if !ok || q.Method != call.method {
		return false
	}
	g.seen[q.Path]++
	if g.seen[q.Path] == call.after+1 {
		g.count++
	}
	return g.seen[q.Path] > call.after // a client that gave up asks again
}

// untilBlocked waits until so many of the chosen calls are blocked.
func (g *requestGate) untilBlocked(n int) {
	g.t.Helper()
	require.Eventually(g.t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.count == n
	}, limit, 20*time.Millisecond)
}
