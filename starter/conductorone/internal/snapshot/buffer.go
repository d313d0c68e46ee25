package snapshot

import (
	"context"
	"slices"
	"strings"
	"sync"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// ahead is the number of roles at scopes that are read at once. The database goes through all assignments each time.
const ahead = 20_000

// buffered reads roles at scopes ahead: some megabytes, whatever the size of the console.
type buffered struct {
	Reader

	mu   sync.Mutex
	from access.Holding // the rows are those after it
	rows []store.RoleScope
	end  bool // no more come after the rows
}

// RoleScopes implements [Reader].
func (b *buffered) RoleScopes(ctx context.Context, after access.Holding, limit int) ([]store.RoleScope, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if rows, is := b.buffered(after, limit); is {
		return rows, nil
	}
	rows, err := b.Reader.RoleScopes(ctx, after, max(ahead, limit))
	if err != nil {
		return nil, err
	}
	b.from, b.rows, b.end = after, rows, len(rows) < max(ahead, limit)
	return rows[:min(limit, len(rows))], nil
}

// buffered are the rows after one, if they are all here.
func (b *buffered) buffered(after access.Holding, limit int) ([]store.RoleScope, bool) {
	if b.rows == nil || compareHoldings(after, b.from) < 0 {
		return nil, false
	}
	i, found := slices.BinarySearchFunc(b.rows, after, func(r store.RoleScope, h access.Holding) int {
		return compareHoldings(r.Holding, h)
	})
	if found {
		i++
	}
	if len(b.rows)-i < limit && !b.end {
		return nil, false
	}
	return b.rows[i:min(i+limit, len(b.rows))], true
}

// compareHoldings compares in the order of the rows.
func compareHoldings(a, b access.Holding) int {
	if c := strings.Compare(a.RoleID, b.RoleID); c != 0 {
		return c
	}
	if c := strings.Compare(string(a.Level), string(b.Level)); c != 0 {
		return c
	}
	return strings.Compare(a.ScopeID, b.ScopeID)
}
