package consoletest

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"sentinelone-provisioner/internal/access"
)

// BasePath is where the API lives under the console's URL.
const BasePath = "/web/api/v2.1"

// Console is a simulated console. All its methods may be called while it serves.
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
	clock        stamp // moves by a second with each edit, so that edits are repeatable too
	accounts     table
	sites        table
	roles        table
	users        table
	serviceUsers table
	owner        int64                    // whose the API token is; see own
	changes      []Change                 // what happened to principals
	stale        map[access.Kind][]hidden // writes that reads do not show yet, oldest first
	roleCounts   map[int64]int            // distinct users per role; nil after a change
	siteCounts   map[int64]int            // sites per account; nil after a change
	// serviceTokens are the tokens that the API gave, by service user.
	serviceTokens map[int64]string
}

// New makes a console from its options; the same options make the same console.
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

// Token is the API token that the console takes now.
func (c *Console) Token() string { return *c.token.Load() }

// SetToken changes the API token; from then on the old one draws 401.
func (c *Console) SetToken(token string) { c.token.Store(&token) }

// SetLatency changes how long each answer is held back.
func (c *Console) SetLatency(d time.Duration) { c.latency.Store(int64(d)) }

// OnRequest has fn called with every request after it came in and before any work
// is done for it, so that an edit made by fn shows in the answer. Status is still
// 0 then. It runs on the request's goroutine, several at a time; nil removes it.
func (c *Console) OnRequest(fn func(Request)) {
	if fn == nil {
		c.hook.Store(nil)
		return
	}
	c.hook.Store(&fn)
}

// Render makes the JSON of all rows now rather than when first asked for, so that
// a benchmark does not pay for it.
func (c *Console) Render() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range access.Collections() {
		for _, r := range c.table(name).records {
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

// now is the console's own clock, one second on with each call.
func (c *Console) now() stamp {
	c.clock += 1_000_000
	return c.clock
}
