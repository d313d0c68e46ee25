package consoletest

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"sentinelone-provisioner/internal/access"
)

// principalKey identifies one principal.
type principalKey struct {
	kind access.Kind
	id   string
}

// inFlight counts, per principal, the writes that have arrived and have no response yet.
type inFlight struct {
	mu   sync.Mutex
	now  map[principalKey]int
	most map[principalKey]int
}

func newInFlight() *inFlight {
	return &inFlight{now: map[principalKey]int{}, most: map[principalKey]int{}}
}

// enter counts a request until leave is called; a second call of leave has no effect.
func (f *inFlight) enter(r Request) (leave func()) {
	key, ok := writtenBy(r)
	if !ok {
		return func() {}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now[key]++
	f.most[key] = max(f.most[key], f.now[key])
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.now[key]--; f.now[key] == 0 {
			delete(f.now, key)
		}
	})
}

// writtenBy returns the principal that a request changes, if there is one.
func writtenBy(r Request) (principalKey, bool) {
	if r.Method == http.MethodGet {
		return principalKey{}, false
	}
	for prefix, kind := range map[string]access.Kind{"/users/": access.User, "/service-users/": access.ServiceUser} {
		rest, ok := strings.CutPrefix(r.Path, prefix)
		if !ok {
			continue
		}
		id, _, _ := strings.Cut(rest, "/")
		if _, err := strconv.ParseInt(id, 10, 64); err == nil {
			return principalKey{kind, id}, true
		}
	}
	return principalKey{}, false
}

// MaxConcurrentWrites returns the largest number of concurrent writes to one principal. A write
// counts from its arrival until its response begins or its client disconnects. Creations have no
// principal yet and do not count.
func (c *Console) MaxConcurrentWrites(kind access.Kind, id string) int {
	c.writes.mu.Lock()
	defer c.writes.mu.Unlock()
	return c.writes.most[principalKey{kind, id}]
}
