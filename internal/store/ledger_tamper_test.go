package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

func onPostgres(db database) bool { return strings.HasPrefix(db.url, "postgres") }

// change runs one statement by hand, and says how many rows it touched.
func change(t *testing.T, s *store.Store, statement string, args ...any) int64 {
	t.Helper()
	res, err := s.DB().ExecContext(t.Context(), statement, args...)
	require.NoError(t, err, statement)
	n, err := res.RowsAffected()
	require.NoError(t, err)
	return n
}

// unguard removes what stands in the way of tampering.
func unguard(t *testing.T, db database) {
	t.Helper()
	if onPostgres(db) {
		for _, table := range []string{"ledger", "ledger_heads", "policies", "delegations"} {
			change(t, db.s, "ALTER TABLE "+table+" DISABLE TRIGGER USER")
		}
		return
	}
	var names string
	require.NoError(t, db.s.DB().QueryRowContext(t.Context(),
		"SELECT group_concat(name) FROM sqlite_master WHERE type = 'trigger'").Scan(&names))
	for name := range strings.SplitSeq(names, ",") {
		change(t, db.s, "DROP TRIGGER "+name)
	}
}

// chainOf appends entries one by one.
func chainOf(t *testing.T, s *store.Store, console string, n int) []ledger.Entry {
	t.Helper()
	for i := range n {
		appendTo(t, s, console, note(fmt.Sprintf("grant/%d", i/3), fmt.Sprintf("step%d", i%3), map[string]int{"n": i}))
	}
	return walked(t, s, console)
}

func verified(t *testing.T, s *store.Store, console string) ledger.Report {
	t.Helper()
	r, err := s.VerifyLedger(t.Context(), console)
	require.NoError(t, err)
	return r
}

// An untouched chain is whole, and readers can tell. Whether an empty one always was empty, they cannot.
func TestVerifyLedger_Whole(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		empty := verified(t, s, acme)
		require.Zero(t, empty.Entries)
		require.Contains(t, empty.Unchecked[0], "the ledger is empty")
		all := chainOf(t, s, acme, 7)
		chainOf(t, s, "other.example.com", 2)
		reader, err := store.OpenReader(t.Context(), db.url)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, reader.Close()) })
		want := ledger.Report{
			Console: acme, Entries: 7, Head: ledger.Head{Seq: 7, Hash: all[6].Hash},
		}
		alone := verified(t, reader, acme)
		require.Contains(t, alone.Unchecked[0], "whether the whole ledger was rewritten")
		alone.Unchecked = nil
		require.Equal(t, want, alone)
		for _, e := range all {
			got, err := reader.VerifyLedgerSince(t.Context(), acme, ledger.Head{Seq: e.Seq, Hash: e.Hash})
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	})
}

// What happens by accident is refused.
func TestLedger_RefusesAccidents(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		all := chainOf(t, s, acme, 3)
		statements := []string{
			"UPDATE ledger SET body = '{}' WHERE seq = 2", "DELETE FROM ledger WHERE seq = 3", "DELETE FROM ledger",
		}
		if onPostgres(db) {
			statements = append(statements, "TRUNCATE ledger")
		} else {
			statements = append(statements,
				"REPLACE INTO ledger SELECT console, seq, at, request, kind, 'other', prev, hash, body, subject, seal "+
					"FROM ledger",
				"REPLACE INTO ledger SELECT console, 9, at, request, kind, key, prev, hash, body, subject, seal "+
					"FROM ledger",
				"REPLACE INTO ledger (rowid, console, seq, at, request, kind, key, prev, hash, body) "+
					"VALUES (1, 'c', 1, 1, '', '', '', '', '', '')")
		}
		for _, statement := range statements {
			_, err := s.DB().ExecContext(t.Context(), statement)
			require.ErrorContains(t, err, "the ledger is append-only", statement)
		}
		require.Equal(t, all, walked(t, s, acme))
	})
}

// Changes to the tables are told in sentences that name the entry; package ledger tests
// what is told of which.
func TestVerifyLedger_Faults(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, statement string
		want            ledger.Fault
	}{
		{
			"altered", "UPDATE ledger SET body = '{}' WHERE console = $1 AND seq = 3",
			ledger.Fault{Seq: 3, Text: "entry 3 is not as it was written: its hash does not fit what it says"},
		},
		{
			"the last removed", "DELETE FROM ledger WHERE console = $1 AND seq >= 5",
			ledger.Fault{Seq: 5, Text: "entries 5 to 6 are missing at the end: the head says that 6 is the last"},
		},
		{
			"the head removed", "DELETE FROM ledger_heads WHERE console = $1",
			ledger.Fault{
				Seq: 6, Text: "the head is missing: entry 6 is the last there is, and more may have been removed",
			},
		},
		{
			"the head altered", "UPDATE ledger_heads SET hash = 'x' WHERE console = $1",
			ledger.Fault{Seq: 6, Text: "entry 6 is not the one that was written last: the head has another hash"},
		},
	}
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		unguard(t, db)
		for _, c := range cases {
			chainOf(t, s, c.name, 6)
			change(t, s, c.statement, c.name)
			require.Equal(t, []ledger.Fault{c.want}, verified(t, s, c.name).Faults, c.name)
		}
	})
}

// A whole chain written anew, with its head, fits together. The head that was noted
// elsewhere does not.
func TestVerifyLedgerSince_Rewritten(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		unguard(t, db)
		noted := chainOf(t, s, acme, 5)[2]
		change(t, s, "DELETE FROM ledger")
		change(t, s, "DELETE FROM ledger_heads")
		since := func() []ledger.Fault {
			r, err := s.VerifyLedgerSince(t.Context(), acme, ledger.Head{Seq: noted.Seq, Hash: noted.Hash})
			require.NoError(t, err)
			return r.Faults
		}
		appendTo(t, s, acme, note("grant/7", "request", 1), note("grant/7", "plan", 2))
		require.Empty(t, verified(t, s, acme).Faults)
		require.Equal(t, []ledger.Fault{{Seq: 3, Text: "entry 3 is missing at the end: entry 3 was noted earlier"}},
			since())
		appendTo(t, s, acme, note("grant/7", "write", 3), note("grant/7", "readback", 4))
		require.Empty(t, verified(t, s, acme).Faults)
		require.Equal(t, []ledger.Fault{{Seq: 3, Text: "entry 3 is not the one noted earlier, whose hash is " +
			noted.Hash +
			": this entry or one before it was rewritten"}}, since())
	})
}

// Nothing is appended where somebody has added entries behind the head, and readers of
// the walk may stop it.
func TestAppend_Broken(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		unguard(t, db)
		chainOf(t, s, acme, 3)
		change(t, s, "DELETE FROM ledger_heads")
		_, err := s.Append(t.Context(), acme, note("grant/9", "request", 1))
		require.ErrorIs(t, err, store.ErrBrokenLedger)
		require.ErrorContains(t, err, "entry 3 is there, but the head says that 0 is the last")
		require.Len(t, walked(t, s, acme), 3)
		enough := errors.New("enough")
		require.ErrorIs(t, s.WalkLedger(t.Context(), acme, func(ledger.Entry) error { return enough }), enough)
		require.ErrorIs(t, s.WalkLedger(cancelled(t), acme, nil), context.Canceled)
	})
}

// A chain whose last entries are gone continues from the head, and the gap stays to be
// seen: what has to be taken away is taken away.
func TestAppend_AfterALoss(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		unguard(t, db)
		chainOf(t, s, acme, 3)
		change(t, s, "DELETE FROM ledger WHERE seq = 3")
		appendTo(t, s, acme, note("grant/9", "request", 1))
		require.Equal(t, []ledger.Fault{{Seq: 3, Text: "entry 3 is missing before entry 4"}},
			verified(t, s, acme).Faults)
	})
}

// Random tampering is always found, and what is left alone never suspected.
func TestVerifyLedger_Property(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		unguard(t, db)
		for seed := range uint64(150) {
			r := rand.New(rand.NewPCG(seed, 8))
			console := fmt.Sprintf("console-%d-%d", seed, seed) // no single edit makes it another one
			all := chainOf(t, s, console, 2+r.IntN(5))
			require.Empty(t, verified(t, s, console).Faults)
			what := tamper(t, s, all, r)
			require.NotEmpty(t, verified(t, s, console).Faults, "seed %d: %s", seed, what)
		}
	})
}

// tamper changes one thing about a chain, and says what.
func tamper(t *testing.T, s *store.Store, all []ledger.Entry, r *rand.Rand) string {
	t.Helper()
	e, other := all[r.IntN(len(all))], all[r.IntN(len(all))]
	where := fmt.Sprintf(" WHERE console = '%s' AND seq = %d", e.Console, e.Seq)
	var done []string
	do := func(statement string, args ...any) {
		require.NotZero(t, change(t, s, statement, args...), statement)
		done = append(done, statement)
	}
	switch r.IntN(5) {
	case 0:
		column := []string{"console", "request", "kind", "key", "prev", "hash", "body"}[r.IntN(7)]
		do("UPDATE ledger SET "+column+" = $1"+where, garble(map[string]string{
			"console": e.Console, "request": e.Request, "kind": string(e.Kind), "key": e.Key,
			"prev": e.Prev, "hash": e.Hash, "body": string(e.Body),
		}[column], r))
	case 1:
		number := []string{"at", "seq"}[r.IntN(2)]
		do("UPDATE ledger SET "+number+" = $1"+where, map[string]int64{
			"at": e.At.UnixMicro() + 1 + r.Int64N(1e12), "seq": e.Seq + int64(len(all)),
		}[number])
	case 2:
		do("DELETE FROM ledger" + where)
	case 3:
		do("INSERT INTO ledger SELECT console, $1, at, request, kind, $2, prev, hash, body, subject, seal "+
			"FROM ledger"+where,
			int64(len(all))+r.Int64N(2)+1, "copied")
		if r.IntN(2) == 0 { // and the head with it
			do("UPDATE ledger_heads SET seq = $1, hash = $2 WHERE console = $3", len(all)+1, e.Hash, e.Console)
		}
	case 4:
		if e.Seq == other.Seq {
			do("UPDATE ledger_heads SET seq = seq - 1 WHERE console = $1", e.Console)
			break
		}
		const move = "UPDATE ledger SET seq = $1 WHERE console = $2 AND seq = $3"
		do(move, -1, e.Console, e.Seq)
		do(move, e.Seq, e.Console, other.Seq)
		do(move, other.Seq, e.Console, -1)
	}
	return strings.Join(done, "; ")
}

// garble changes a text: one byte of it, its length, or the order of its bytes.
func garble(text string, r *rand.Rand) string {
	b := []byte(text)
	if len(b) == 0 || r.IntN(3) == 0 {
		return text + "0"
	}
	i := r.IntN(len(b))
	if r.IntN(2) == 0 {
		return string(slices.Delete(b, i, i+1))
	}
	b[i] = b[i]%90 + 33 // printable, and another one than before
	if string(b) == text {
		b[i]++
	}
	return string(b)
}
