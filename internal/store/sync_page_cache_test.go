package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// The cache keeps the latest pages, in number and in memory; a page is there once.
func TestPageCache_IsBounded(t *testing.T) {
	t.Parallel()
	key := func(page int) pageKey { return pageKey{"s1", access.Users, 1, page} }
	small := []row{{id: "1", doc: "{}"}}
	large := []row{{id: "1", doc: "{}", held: make([]access.Assignment, 50_000)}} // 6.5 MB
	var p pageCache
	for i := range 20 {
		p.put(key(i), small)
	}
	_, found := p.take(key(20 - cachedPages - 1))
	require.False(t, found)
	_, found = p.take(key(20 - cachedPages))
	require.True(t, found)
	_, found = p.take(key(20 - cachedPages))
	require.False(t, found)

	for i := range 4 {
		p.put(key(100+i), large)
		p.put(key(100+i), large)
		require.LessOrEqual(t, p.held, cachedWeight)
	}
	for i, cached := range []bool{false, false, true, true} {
		_, found := p.take(key(100 + i))
		require.Equal(t, cached, found, i)
	}
	require.Zero(t, p.held)
	require.Empty(t, p.order)

	p.put(key(0), []row{{id: "1", held: make([]access.Assignment, 200_000)}}) // more than the cache holds
	require.Zero(t, p.held)
}
