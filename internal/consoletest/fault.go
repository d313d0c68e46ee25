package consoletest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FaultKind names something that goes wrong.
type FaultKind string

// The kinds of fault. After CutBefore on a reused connection, the client's own transport may
// retry, as with a real console; to make the failure visible, set Times 0 and call ClearFaults
// later.
const (
	RateLimited  FaultKind = "rateLimited"  // 429 as nginx HTML, with Retry-After if RetryAfter is set
	ServerError  FaultKind = "serverError"  // 500 as JSON, code 5000010
	BadGateway   FaultKind = "badGateway"   // 502 as nginx HTML
	Slow         FaultKind = "slow"         // the response is delayed by Delay
	CutBefore    FaultKind = "cutBefore"    // the connection closes before the request is processed
	CutAfter     FaultKind = "cutAfter"     // the request is processed, then the connection closes within the response
	Truncated    FaultKind = "truncated"    // 200 with the first half of the JSON, a complete HTTP answer
	EmptyPage    FaultKind = "emptyPage"    // lists only: 200, no rows, totalItems 0, no cursor
	EmptyObject  FaultKind = "emptyObject"  // 200 and {}
	Vanish       FaultKind = "vanish"       // lists only: one row is missing, but totalItems counts it
	Unauthorized FaultKind = "unauthorized" // 401, code 4010010
	Forbidden    FaultKind = "forbidden"    // 403, code 4030010
	ErrorAfter   FaultKind = "errorAfter"   // the request is processed, then 500 as JSON
	Conflict     FaultKind = "conflict"     // 409, the request is not processed
	NotFound     FaultKind = "notFound"     // 404, code 4040010, the request is not processed
	// Stale affects writes: they are processed, but reads of the principal, single and in
	// lists, do not show them for Delay or until the fault is removed.
	Stale FaultKind = "stale"
)

// The kinds of fault whose response is far larger than an honest one. Most clients run out of
// memory, so they are not in FaultKinds.
const (
	GzipBomb    FaultKind = "gzipBomb"    // 200 with 56 KB of gzip that decode to a list of 19 million empty rows
	LongRow     FaultKind = "longRow"     // lists only: the first row has 9 MiB
	ExtraRows   FaultKind = "extraRows"   // lists only: one row more than the limit
	EndlessBody FaultKind = "endlessBody" // 200 with a JSON text that does not end before the client disconnects
)

// FloodKinds lists the kinds that FaultKinds leaves out.
func FloodKinds() []FaultKind { return []FaultKind{GzipBomb, LongRow, ExtraRows, EndlessBody} }

// FaultKinds lists every kind whose response is not larger than an honest one; see FloodKinds.
func FaultKinds() []FaultKind {
	return []FaultKind{
		RateLimited, ServerError, BadGateway, Slow, CutBefore, CutAfter, Truncated, EmptyPage, EmptyObject, Vanish,
		Unauthorized, Forbidden, ErrorAfter, Conflict, NotFound, Stale,
	}
}

// Only limits a fault to one sort of request.
type Only string

// The sorts of request.
const (
	AnyRequest Only = ""
	OnlyPages  Only = "pages"  // lists with a limit other than 1, or of ids
	OnlyCounts Only = "counts" // countOnly=true
	OnlyProbes Only = "probes" // lists with limit=1 and no ids
)

// Fault is what goes wrong, for which requests and how often.
type Fault struct {
	Name FaultKind
	// Path is a prefix of whole segments below BasePath: "/users" covers /users,
	// /users/{id} and /users/api-token-details, not /users-x. "" covers all.
	Path   string
	Method string // "" for any
	Only   Only
	After  int // number of matching requests that it skips first
	Every  int // then it affects each Every-th one; 0 and 1 mean each
	Times  int // it ends after affecting that many; 0 means it stays until cleared
	// RetryAfter is the Retry-After header of rateLimited, in whole seconds rounded up; 0
	// means no header.
	RetryAfter time.Duration
	Delay      time.Duration // of slow and stale
}

// Validate returns an error that says what is wrong and which values are possible.
func (f Fault) Validate() error {
	switch {
	case !slices.Contains(append(FaultKinds(), FloodKinds()...), f.Name):
		return fmt.Errorf("unknown fault %q: choose from %s", f.Name, kindNames())
	case !slices.Contains([]Only{AnyRequest, OnlyPages, OnlyCounts, OnlyProbes}, f.Only):
		return fmt.Errorf("fault %s: only=%q: choose pages, counts or probes", f.Name, f.Only)
	case f.Path != "" && !strings.HasPrefix(f.Path, "/"):
		return fmt.Errorf("fault %s: path %q must begin with a slash, such as /users", f.Name, f.Path)
	case f.After < 0 || f.Every < 0 || f.Times < 0 || f.RetryAfter < 0 || f.Delay < 0:
		return fmt.Errorf("fault %s: numbers and durations must not be negative", f.Name)
	case f.Name.combines() && f.Delay == 0:
		return fmt.Errorf("fault %s needs a delay, such as delay=5s", f.Name)
	}
	return nil
}

// combines reports whether the fault can affect a request together with another fault.
func (k FaultKind) combines() bool { return k == Slow || k == Stale }

func kindNames() string {
	var names []string
	for _, k := range append(FaultKinds(), FloodKinds()...) {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

func (f Fault) covers(r Request) bool {
	if f.Method != "" && f.Method != r.Method {
		return false
	}
	path := strings.TrimSuffix(f.Path, "/")
	if path != "" && r.Path != path && !strings.HasPrefix(r.Path, path+"/") {
		return false
	}
	switch f.Only {
	case OnlyPages:
		return r.Page()
	case OnlyCounts:
		return r.Count()
	case OnlyProbes:
		return r.Collection != "" && !r.Page() && !r.Count()
	case AnyRequest:
	}
	switch f.Name {
	case EmptyPage:
		return r.Collection != ""
	case Vanish, LongRow, ExtraRows:
		return r.Collection != "" && !r.Count()
	case Stale:
		return r.Write()
	default:
		return true
	}
}

type activeFault struct {
	id          string
	fault       Fault
	seen, fired int
}

type faultSet struct {
	mu   sync.Mutex
	last int
	list []*activeFault
}

// AddFault activates a fault and returns its id. If several match a request, the first added
// applies; slow and stale combine with any other, and delays add up. It panics if Validate
// returns an error.
func (c *Console) AddFault(f Fault) (id string) {
	if err := f.Validate(); err != nil {
		bug(err)
	}
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	c.faults.last++
	id = strconv.Itoa(c.faults.last)
	c.faults.list = append(c.faults.list, &activeFault{id: id, fault: f})
	return id
}

// RemoveFault removes one fault, and shows the writes that a stale fault hides. It returns false
// if no fault has that id.
func (c *Console) RemoveFault(id string) bool {
	defer c.reveal(func(h hidden) bool { return h.fault == id })
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	before := len(c.faults.list)
	c.faults.list = slices.DeleteFunc(c.faults.list, func(f *activeFault) bool { return f.id == id })
	return len(c.faults.list) < before
}

// ClearFaults removes all faults; reads then show every write.
func (c *Console) ClearFaults() {
	defer c.reveal(func(hidden) bool { return true })
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	c.faults.list = nil
}

// FaultsFired returns the number of requests that the fault affected, 0 for an unknown id.
func (c *Console) FaultsFired(id string) int {
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	for _, f := range c.faults.list {
		if f.id == id {
			return f.fired
		}
	}
	return 0
}

// effect is what the active faults do to a request.
type effect struct {
	fault Fault // zero for none
	delay time.Duration
	stale lag
}

// meet counts the request for every fault that covers it. It returns the fault to apply, the sum
// of the delays of all slow faults, and the longest stale fault.
func (s *faultSet) meet(r Request) effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	var m effect
	var combined FaultKind
	for _, f := range s.list {
		if !f.fault.covers(r) || !f.next(m.fault.Name != "") {
			continue
		}
		switch {
		case f.fault.Name == Slow:
			m.delay += f.fault.Delay
		case f.fault.Name == Stale && f.fault.Delay > m.stale.delay:
			m.stale = lag{fault: f.id, delay: f.fault.Delay}
		case f.fault.Name != Stale:
			m.fault = f.fault
			continue
		}
		combined = f.fault.Name
	}
	if m.fault.Name == "" {
		m.fault.Name = combined // so that the log shows it
	}
	return m
}

// next counts a request and reports whether the fault affects it. If another fault already
// applies, the request counts as seen only.
func (f *activeFault) next(taken bool) bool {
	f.seen++
	past := f.seen - f.fault.After
	if past <= 0 || (f.fault.Times > 0 && f.fired >= f.fault.Times) {
		return false
	}
	if f.fault.Every > 1 && past%f.fault.Every != 0 {
		return false
	}
	if taken && !f.fault.Name.combines() {
		return false
	}
	f.fired++
	return true
}
