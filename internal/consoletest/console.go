package consoletest

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"sentinelone-provisioner/internal/access"
)

// BasePath is the path of the API under the console's URL.
const BasePath = "/web/api/v2.1"

// Console is a simulated console. All its methods may be called while it serves requests.
type Console struct {
	opts    Options
	mux     *http.ServeMux
	log     *requestLog
	faults  *faultSet
	rates   *rates
	writes  *inFlight
	latency atomic.Int64 // time.Duration
	token   atomic.Pointer[string]
	hook    atomic.Pointer[func(Request)]

	mu           sync.Mutex // guards all below
	ids          idSource
	clock        stamp // advances one second per edit, so that edits are repeatable too
	accounts     table
	sites        table
	roles        table
	users        table
	serviceUsers table
	owner        int64                    // id of the owner of the API token; see own
	ownVoid      bool                     // its owner has another token; see Options.ServiceUserTokens
	changes      []Change                 // of principals, oldest first
	stale        map[access.Kind][]hidden // writes that reads do not show yet, oldest first
	roleCounts   map[int64]int            // distinct users per role; nil after a change
	siteCounts   map[int64]int            // sites per account; nil after a change
	crowd        crowd
	feed         feed
	// serviceTokens are the tokens that the API returned, by service user.
	serviceTokens map[int64]string
}

// New creates a console. The same options create the same console.
func New(o Options) *Console {
	o = o.withDefaults()
	c := &Console{opts: o, log: newRequestLog(), faults: &faultSet{}, rates: newRates(), writes: newInFlight()}
	c.SetToken(o.Token)
	c.SetLatency(o.Latency)
	c.generate()
	c.own()
	c.mux = c.routes()
	return c
}

// Handler serves the API under BasePath and the control API under /_simulator/.
func (c *Console) Handler() http.Handler { return c.mux }

// Token returns the API token that the console accepts now.
func (c *Console) Token() string { return *c.token.Load() }

// SetToken replaces the API token; from then on the old one draws 401.
func (c *Console) SetToken(token string) { c.token.Store(&token) }

// SetLatency sets the delay of each response.
func (c *Console) SetLatency(d time.Duration) { c.latency.Store(int64(d)) }

// OnRequest calls fn with every request, before the request is processed, so that an edit by fn
// shows in the response. Status is 0 then. fn runs on the request's goroutine, concurrently
// for several requests; nil removes it.
func (c *Console) OnRequest(fn func(Request)) {
	if fn == nil {
		c.hook.Store(nil)
		return
	}
	c.hook.Store(&fn)
}

// Render renders the JSON of all rows now instead of at the first request, so that a benchmark
// does not measure it.
func (c *Console) Render() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range access.Collections() {
		for _, r := range c.table(name).records {
			if p, ok := r.entity.(*principal); ok && c.crowd.of(p) {
				continue // see Options.RolesEach
			}
			c.render(r)
		}
	}
}

func (c *Console) table(name access.Collection) *table {
	switch name {
	case access.Accounts:
		return &c.accounts
	case access.Sites:
		return &c.sites
	case access.Roles:
		return &c.roles
	case access.Users:
		return &c.users
	case access.ServiceUsers:
		return &c.serviceUsers
	}
	bug(fmt.Errorf("no collection %q", name))
	return nil
}

// bug stops at a mistake of this package or of the test that uses it, where an error
// would have to be handed through every signature.
func bug(err error) {
	panic(err) //nolint:forbidigo // see above
}

// now advances the console's own clock by one second and returns it.
func (c *Console) now() stamp {
	c.clock += 1_000_000
	return c.clock
}
