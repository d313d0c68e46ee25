package provision

import "sync"

// places bounds how many tasks wait for people at once. The SDK runs a fixed number of tasks at once, and one that
// waits holds one of them.
type places struct {
	mu    sync.Mutex
	taken int
	all   int // for every kind of request
	slow  int // of those, at most so many for requests that give access
}

// newPlaces leaves one of the SDK's tasks to whatever does not wait, such as a sync, and one place to what ends
// access.
func newPlaces(concurrency int) *places {
	all := max(concurrency-1, 0)
	slow := all
	if all > 1 {
		slow--
	}
	return &places{all: all, slow: slow}
}

// take takes a place if one is free, and says whether it did.
func (p *places) take(endsAccess bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := p.slow
	if endsAccess {
		most = p.all
	}
	if p.taken >= most {
		return false
	}
	p.taken++
	return true
}

func (p *places) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
}
