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
}

type pageKey struct {
	snapshot   string
	collection access.Collection
	attempt    int
	page       int
}

// cachedPages bounds the memory: a page of 1,000 principals takes a little less than
// 1 MB.
const cachedPages = 8

func (p *pageCache) put(k pageKey, rows []row) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pages == nil {
		p.pages = map[pageKey][]row{}
	}
	p.pages[k] = rows
	p.order = append(p.order, k)
	if len(p.order) > cachedPages {
		delete(p.pages, p.order[0])
		p.order = slices.Delete(p.order, 0, 1)
	}
}

// take removes a page and returns it; false if it is not cached.
func (p *pageCache) take(k pageKey) ([]row, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows, found := p.pages[k]
	if found {
		delete(p.pages, k)
		p.order = slices.DeleteFunc(p.order, func(o pageKey) bool { return o == k })
	}
	return rows, found
}
