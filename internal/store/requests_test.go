package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// asked appends entries of the form "request kind", one minute apart, and returns them
// by that form.
func asked(t *testing.T, s *store.Store, console string, forms ...string) map[string]ledger.Entry {
	t.Helper()
	out := map[string]ledger.Entry{}
	for i, form := range forms {
		request, kind, _ := strings.Cut(form, " ")
		kind, _, _ = strings.Cut(kind, "#")
		out[form] = appendTo(t, s, console, ledger.NewEntry{
			Request: request, Key: keyOf(request, strings.Map(dash, form), kind),
			At:   began.Add(time.Duration(i) * time.Minute),
			Body: anyBody{ledger.Kind(kind), i},
		})[0]
	}
	return out
}

// dash replaces what cannot be in the id of a run.
func dash(r rune) rune {
	if strings.ContainsRune(" /#", r) {
		return '-'
	}
	return r
}

// Requests come newest first, each with the receipt that is its own.
func TestRequests(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		none, err := s.Requests(t.Context(), store.RequestsQuery{Console: acme})
		require.NoError(t, err)
		require.Empty(t, none)
		asked(t, s, "other.example.com", "grant/1 request")
		e := asked(t, s, acme,
			"grant/1 request", "grant/2 request", "grant/1 plan", "principal/u/1 write", "revoke/3 request",
			"grant/1 receipt", "principal/u/1 receipt", // of no request
			"grant/2 request#again", "grant/2 receipt", "grant/2 receipt#corrected", "grant/4 request")
		pair := func(request, receipt string) store.LedgerPair {
			p := store.LedgerPair{Request: e[request]}
			if receipt != "" {
				r := e[receipt]
				p.Receipt = &r
			}
			return p
		}
		all := []store.LedgerPair{
			pair("grant/4 request", ""),
			pair("grant/2 request#again", "grant/2 receipt#corrected"),
			pair("revoke/3 request", ""),
			pair("grant/2 request", ""), // its id was used again before there was a receipt
			pair("grant/1 request", "grant/1 receipt"),
		}
		since := began.Add(4 * time.Minute)
		for _, c := range []struct {
			q    store.RequestsQuery
			want []store.LedgerPair
		}{
			{store.RequestsQuery{}, all},
			{store.RequestsQuery{Limit: 2}, all[:2]},
			{store.RequestsQuery{Since: &since}, all[:3]},
			{store.RequestsQuery{Open: true}, []store.LedgerPair{all[0], all[2]}},
			{store.RequestsQuery{Open: true, Limit: 1, Since: &since}, all[:1]},
		} {
			c.q.Console = acme
			got, err := s.Requests(t.Context(), c.q)
			require.NoError(t, err)
			require.Equal(t, c.want, got, "%+v", c.q)
		}
	})
}

// A wait is what was said of it last, until it is cleared.
func TestWaits(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		next := began.Add(time.Hour)
		first := store.Wait{
			Console: acme, Request: "grant/1", Step: "apply", Attempt: 1, Since: began, At: began,
			NextTry: &next, Text: "the console does not answer", Temporary: true,
		}
		older := store.Wait{
			Console: acme, Request: "grant/2", Step: "release", Release: true, Attempt: 9,
			Since: began.Add(-time.Hour), At: began, Text: "the token is not accepted",
		}
		elsewhere := first
		elsewhere.Console = "other.example.com"
		for _, w := range []store.Wait{first, older, elsewhere} {
			require.NoError(t, s.NoteWait(t.Context(), w))
		}
		requireWaits(t, s, older, first)

		later := first
		later.Attempt, later.At, later.NextTry, later.Temporary = 2, began.Add(time.Minute), nil, false
		later.Text = "403:\x00\xff"
		require.NoError(t, s.NoteWait(t.Context(), later))
		later.Text = "403:\uFFFD"
		requireWaits(t, s, older, later)
		of, err := s.WaitOf(t.Context(), acme, "grant/1")
		require.NoError(t, err)
		require.Equal(t, []store.Wait{later}, of)

		for range 2 {
			require.NoError(t, s.ClearWait(t.Context(), acme, "grant/1", "apply"))
		}
		requireWaits(t, s, older)
		of, err = s.WaitOf(t.Context(), acme, "grant/1")
		require.NoError(t, err)
		require.Empty(t, of)
	})
}

func requireWaits(t *testing.T, s *store.Store, want ...store.Wait) {
	t.Helper()
	got, err := s.Waits(t.Context(), acme)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// The view for people with SQL shows the time as a time.
func TestLedgerHistory(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		appendTo(t, s, acme, note("grant/1", "request", 1))
		at := "2026-03-03T12:00:00.000Z"
		if onPostgres(db) {
			at = "2026-03-03 12:00:00+00"
		}
		require.Equal(t, 1, count(t, s, "SELECT COUNT(*) FROM ledger_history WHERE CAST(at AS TEXT) = '"+at+"'"))
	})
}
