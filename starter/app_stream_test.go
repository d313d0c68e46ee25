package main

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// streamed ranges over rows, and ends with an error if there is one.
func streamed(rows []store.AccessRow, err error) iter.Seq2[store.AccessRow, error] {
	return func(yield func(store.AccessRow, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
		if err != nil {
			yield(store.AccessRow{}, err)
		}
	}
}

// strangeRows have names that are wide, empty, alike, or would control a terminal.
func strangeRows(n int) []store.AccessRow {
	names := []string{"ana", "", "管理者", "e\u0301va", "👩‍💻", "a\x1b[2J\u202e", "<&>", strings.Repeat("long ", 30), "ana"}
	var rows []store.AccessRow
	for i := range n {
		r := store.AccessRow{
			Kind: access.User, ID: string(rune('a' + i%26)), Name: names[i%len(names)], RoleID: "21",
			RoleName: names[(i/2)%len(names)], Level: access.SiteLevel, ScopeID: "31", ScopeName: "Acme / Berlin",
			Since: noon,
		}
		if i%3 == 0 {
			r.Via = &store.Via{Level: access.Tenant}
		}
		rows = append(rows, r)
	}
	return rows
}

// Rows that are streamed give the bytes of the whole object.
func TestEmitJSONRows_SameBytes(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 40} {
		rows := strangeRows(n)
		var want, got strings.Builder
		head := provenance{Console: hostileText, Snapshot: "[]", Quarantined: []string{}}
		require.NoError(t, (&app{out: &want}).emitJSON(accessAnswer{provenance: head, Rows: orEmpty(rows)}))
		require.NoError(t, emitJSONRows(&app{out: &got}, accessAnswer{
			provenance: head, Rows: []store.AccessRow{},
		}, streamed(rows, nil)))
		require.Equal(t, want.String(), got.String())
	}
}

const hostileText = "acme\u202e[]"

// An error before the first row prints nothing; a later one ends the answer with the error.
func TestEmitJSONRows_Fails(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p, empty, broken := &app{out: &out}, accessAnswer{Rows: []store.AccessRow{}}, errors.New("the disk is gone")
	require.ErrorIs(t, emitJSONRows(p, empty, streamed(nil, broken)), broken)
	require.Empty(t, out.String())
	require.ErrorIs(t, emitJSONRows(p, empty, streamed(strangeRows(2), broken)), broken)
	require.NotContains(t, out.String(), "\n}")
	require.ErrorContains(t, emitJSONRows(&app{out: closedPipe{}}, empty, streamed(strangeRows(5000), nil)),
		"write output")
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// A table that is too large to hold looks as one that is not.
func TestEmitWide_SameTable(t *testing.T) {
	t.Parallel()
	for _, inherited := range []bool{false, true} {
		rows := strangeRows(60)
		var small, wide strings.Builder
		table := accessTable(inherited, inherited)
		table.begin = func(n int) { require.Equal(t, len(rows), n) }
		require.NoError(t, emitRows(&app{out: &small}, table, streamed(rows, nil)))
		require.NoError(t, emitWide(&app{out: &wide}, table, streamed(rows, nil)))
		require.Equal(t, small.String(), wide.String())
	}
	var out strings.Builder
	many := slices.Repeat(strangeRows(26), heldRows/26+1)
	table := accessTable(false, false)
	table.begin = func(int) {}
	require.NoError(t, emitRows(&app{out: &out}, table, streamed(many, nil)))
	require.Equal(t, len(many)+1, strings.Count(out.String(), "\n"))
}
