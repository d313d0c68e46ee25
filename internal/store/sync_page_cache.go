package store

import (
	"slices"
	"sync"

	"sentinelone-provisioner/internal/access"
)

// pageCache keeps the latest pages that this process saved, so that LoadPage, which
// usually follows at once, need not read and decode them again. Evicted pages and those of
// other processes are read from the database.
type pageCache struct {
	mu    sync.Mutex
	pages map[pageKey][]row
	order []pageKey // oldest first
	held  int       // weight of all pages
}

type pageKey struct {
	snapshot   string
	collection access.Collection
	attempt    int
	page       int
}

// cachedPages and cachedWeight bound the memory: a page of 1,000 principals takes a little less
// than 1 MB, but one principal may have thousands of roles.
const (
	cachedPages  = 8
	cachedWeight = 16 << 20 // bytes
)

// weight is about what rows take in memory, in bytes.
func weight(rows []row) int {
	const perRow, perRole = 300, 130
	n := 0
	for _, r := range rows {
		n += perRow + len(r.doc) + perRole*len(r.held)
	}
	return n
}

func (p *pageCache) put(k pageKey, rows []row) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pages == nil {
		p.pages = map[pageKey][]row{}
	}
	p.drop(k)
	p.pages[k] = rows
	p.order = append(p.order, k)
	p.held += weight(rows)
	for len(p.order) > cachedPages || p.held > cachedWeight {
		p.drop(p.order[0])
	}
}

// drop removes a page if it is cached.
func (p *pageCache) drop(k pageKey) {
	if rows, found := p.pages[k]; found {
		p.held -= weight(rows)
		delete(p.pages, k)
		p.order = slices.DeleteFunc(p.order, func(o pageKey) bool { return o == k })
	}
}

// forget removes the pages of a collection.
func (p *pageCache) forget(snapshot string, c access.Collection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range slices.Clone(p.order) {
		if k.snapshot == snapshot && k.collection == c {
			p.drop(k)
		}
	}
}

// take removes a page and returns it; false if it is not cached.
func (p *pageCache) take(k pageKey) ([]row, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows, found := p.pages[k]
	p.drop(k)
	return rows, found
}
