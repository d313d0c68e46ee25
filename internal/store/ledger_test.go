package store_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// anyBody is a body of any kind and JSON: what it says is of no importance to the store.
type anyBody struct {
	kind  ledger.Kind
	value any
}

func (b anyBody) Kind() ledger.Kind            { return b.kind }
func (b anyBody) MarshalJSON() ([]byte, error) { return json.Marshal(b.value) }

// note is an entry of a request, with a key of its own.
func note(request, kind string, body any) ledger.NewEntry {
	return ledger.NewEntry{
		Request: request, Key: keyOf(request, "run", kind), At: began, Body: anyBody{ledger.Kind(kind), body},
	}
}

// keyOf is the one key of that kind in a run of a request.
func keyOf(request, run, kind string) string {
	of := ledger.Run{Request: request, ID: run}
	switch change := access.ChangeKey(of.String(), access.OpAcquire); ledger.Kind(kind) {
	case ledger.KindWrite:
		return ledger.WriteKey(change, 0)
	case ledger.KindProof:
		return ledger.ProofKey(change)
	default:
		return of.String() + "/" + kind
	}
}

func appendTo(t *testing.T, s *store.Store, console string, entries ...ledger.NewEntry) []ledger.Entry {
	t.Helper()
	out, err := s.Append(t.Context(), console, entries...)
	require.NoError(t, err)
	return out
}

func walked(t *testing.T, s *store.Store, console string) []ledger.Entry {
	t.Helper()
	out := []ledger.Entry{}
	require.NoError(t, s.WalkLedger(t.Context(), console, func(e ledger.Entry) error {
		out = append(out, e)
		return nil
	}))
	return out
}

// Entries come back as they were written, numbered and chained, each console by itself.
func TestAppend(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		at := time.Date(2026, 3, 3, 14, 0, 0, 123456789, time.FixedZone("", 7200))
		first := appendTo(t, s, acme, ledger.NewEntry{
			Request: "grant/INC-42", Key: "grant/INC-42#run/request", At: at,
			Body: anyBody{"request", map[string]any{"reason": "a<b & \x00ä\u2028"}},
		})
		more := appendTo(t, s, acme, note("grant/INC-42", "plan", []int{1}), note("revoke/7", "request", nil))
		odd := json.RawMessage(`{"a": "\ud800` + "\xff" + `"}`)
		other := appendTo(t, s, "other.example.com", note("grant/INC-42", "plan", odd))

		all := append(first, more...)
		require.Equal(t, all, walked(t, s, acme))
		require.Equal(t, other, walked(t, s, "other.example.com"))
		require.Equal(t, time.Date(2026, 3, 3, 12, 0, 0, 123456000, time.UTC), all[0].At)
		require.Equal(t, `{"reason":"a\u003cb \u0026 \u0000ä\u2028"}`, string(all[0].Body))
		require.Equal(t, "null", string(all[2].Body))
		prev := ""
		for i, e := range all {
			require.Equal(t, int64(i+1), e.Seq)
			require.Equal(t, prev, e.Prev)
			require.Equal(t, e.Digest(), e.Hash)
			prev = e.Hash
		}
		require.Equal(t, int64(1), other[0].Seq)
		require.True(t, json.Valid(other[0].Body))

		of, err := s.LedgerOf(t.Context(), acme, "grant/INC-42")
		require.NoError(t, err)
		require.Equal(t, all[:2], of)
		of, err = s.LedgerOf(t.Context(), acme, "grant/none")
		require.NoError(t, err)
		require.Empty(t, of)
		found, err := s.LedgerEntryByKey(t.Context(), acme, "grant/INC-42#run/request")
		require.NoError(t, err)
		require.Equal(t, all[0], found)
		_, err = s.LedgerEntryByKey(t.Context(), "other.example.com", "grant/INC-42#run/request")
		require.ErrorIs(t, err, store.ErrNoEntry)
	})
}

// Repeating an append writes nothing and returns what is there, whatever the body.
func TestAppend_Again(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		first := appendTo(t, s, acme, note("grant/1", "request", 1))
		mixed := appendTo(t, s, acme,
			note("grant/1", "plan", 2), note("grant/1", "request", "other"), note("grant/1", "plan", "again"))
		require.Equal(t, first[0], mixed[1])
		require.Equal(t, mixed[0], mixed[2])
		require.Equal(t, append(first, mixed[0]), walked(t, s, acme))
		require.Empty(t, appendTo(t, s, acme))
	})
}

// Many entries at once are one chain too.
func TestAppend_Many(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		entries := make([]ledger.NewEntry, 101)
		for i := range entries {
			entries[i] = note(fmt.Sprintf("grant/%d", i), "request", i)
		}
		require.Equal(t, appendTo(t, s, acme, entries...), walked(t, s, acme))
	})
}

// One entry that cannot be written refuses all that come with it.
func TestAppend_Bad(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		good, bad := note("grant/1", "request", 1), note("grant/1", "plan", math.Inf(1))
		_, err := s.Append(t.Context(), acme, good, bad)
		require.ErrorIs(t, err, ledger.ErrBadEntry)
		_, err = s.Append(t.Context(), "", good)
		require.ErrorIs(t, err, ledger.ErrBadEntry)
		_, err = s.Append(cancelled(t), acme, good)
		require.Error(t, err)
		require.Empty(t, walked(t, s, acme))
		appendTo(t, s, acme, good)
	})
}

// Only appends wait for the disk: the setting is back afterwards, also after a failure.
func TestAppend_Durable(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		ask, usual, durable := "PRAGMA synchronous", "1", "2" // NORMAL, FULL
		if onPostgres(db) {
			ask, usual, durable = "SHOW synchronous_commit", "off", "on"
		}
		var got string
		failure := errors.New("no")
		err := s.Durably(t.Context(), acme, func(tx *sql.Tx) error {
			return errors.Join(failure, tx.QueryRowContext(t.Context(), ask).Scan(&got))
		})
		require.ErrorIs(t, err, failure)
		require.Equal(t, durable, got)
		appendTo(t, s, acme, note("grant/1", "request", 1))
		require.NoError(t, s.DB().QueryRowContext(t.Context(), ask).Scan(&got))
		require.Equal(t, usual, got)
	})
}

// Of two entries that each name the other's key one is written, whichever is tried, and however often
// and at the same time; both learn which.
func TestAppend_OneOfTwo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		for round := range 10 {
			this := fmt.Sprintf("grant/INC-42#run/end/this-%d", round)
			that := fmt.Sprintf("grant/INC-42#run/end/that-%d", round)
			kept := make([]ledger.Entry, 8)
			var all errgroup.Group
			for i := range kept {
				e := note("grant/INC-42", "end", i)
				e.Key, e.Unless = this, that
				if i%2 == 1 {
					e.Key, e.Unless = that, this
				}
				all.Go(func() error {
					out, err := s.Append(t.Context(), acme, e)
					if err == nil {
						kept[i] = out[0]
					}
					return err
				})
			}
			require.NoError(t, all.Wait())
			for _, e := range kept {
				require.Equal(t, kept[0], e)
			}
			require.Len(t, walked(t, s, acme), round+1)
		}
		report, err := s.VerifyLedger(t.Context(), acme)
		require.NoError(t, err)
		require.Empty(t, report.Faults)
	})
}
