package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"sentinelone-provisioner/internal/ledger"
)

// Append writes entries at the end of a console's chain, in order and in one
// transaction, and returns them as they stand there. An entry whose key is there
// already is not written again: the stored one is returned in its place, even if what was
// found out differs, so repeating an append after any error is safe. So is one whose Unless
// is there: of two entries that each name the other's key, one is written, whichever comes
// at the same time. What was returned is on the disk.
//
// An entry that cannot be written as it is, is [ledger.ErrBadEntry]. One whose key holds the
// answer to another question is [ledger.ErrOtherAnswer]: see [ledger.CheckAnswer]. Where there are
// entries behind what the head calls the last, someone has changed the tables: that is
// [ErrBrokenLedger], and nothing is written.
func (s *Store) Append(ctx context.Context, console string, entries ...ledger.NewEntry) ([]ledger.Entry, error) {
	return s.append(ctx, console, entries, func(context.Context, *sql.Tx) error { return nil })
}

// append is Append; an error of allowed, which runs in the transaction, ends it.
func (s *Store) append(
	ctx context.Context, console string, entries []ledger.NewEntry, allowed func(context.Context, *sql.Tx) error,
) ([]ledger.Entry, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	wanted, err := s.encodeEntries(console, entries)
	if err != nil {
		return nil, err
	}
	var out []ledger.Entry
	err = s.writeDurably(ctx, func(tx *sql.Tx) error {
		if err := s.d.lockLedger(ctx, tx, console); err != nil {
			return err
		}
		if err := allowed(ctx, tx); err != nil {
			return err
		}
		head, known, err := s.headAndKnown(ctx, tx, console, wanted)
		if err != nil {
			return err
		}
		var added []ledger.Entry
		if out, added, err = s.chainOn(head, known, wanted); err != nil {
			return err
		}
		if err := insertLists(ctx, tx, console, listsOf(wanted, added)); err != nil {
			return err
		}
		return insertEntries(ctx, tx, head, added)
	})
	if err != nil {
		return nil, fmt.Errorf("append to the ledger of %s: %w", console, err)
	}
	return out, nil
}

// wantedEntry is an entry to append.
type wantedEntry struct {
	ledger.Entry

	unless string
	asked  ledger.Body
	lists  map[string][]byte // that the body leaves out, by digest
}

func (s *Store) encodeEntries(console string, entries []ledger.NewEntry) ([]wantedEntry, error) {
	out := make([]wantedEntry, len(entries))
	for i, n := range entries {
		e, err := n.Entry(console, s.now())
		if err != nil {
			return nil, err
		}
		lists, err := longLists(n.Body)
		if err != nil {
			return nil, fmt.Errorf("%w: pack the lists of %q: %w", ledger.ErrBadEntry, n.Key, err)
		}
		out[i] = wantedEntry{e, n.Unless, n.Body, lists}
	}
	return out, nil
}

// headAndKnown reads where the chain ends and which of the wanted entries, and of those
// that stand in their way, are there, by key. One statement for both: each costs a round
// trip, and others wait meanwhile.
func (s *Store) headAndKnown(
	ctx context.Context, tx *sql.Tx, console string, wanted []wantedEntry,
) (ledger.Head, map[string]ledger.Entry, error) {
	keys := make([]string, 0, len(wanted))
	for _, e := range wanted {
		keys = append(keys, e.Key)
		if e.unless != "" {
			keys = append(keys, e.unless)
		}
	}
	const isEntry = -1 // the head's row has the number of the last entry there
	var last, end int64
	head, known := ledger.Head{}, map[string]ledger.Entry{}
	statement := `SELECT COALESCE((SELECT MAX(seq) FROM ledger WHERE console = $1), 0), '',
			COALESCE((SELECT seq FROM ledger_heads WHERE console = $1), 0), 0, '', '', '', '',
			COALESCE((SELECT hash FROM ledger_heads WHERE console = $1), ''), '', '', ''
		UNION ALL SELECT -1, ` + ledgerColumns + ` FROM ledger WHERE console = $1 AND ` + s.d.in("key", "$2")
	args := []any{console, list(s.d, keys)}
	err := forEachRow(ctx, tx, "read the end of the chain", statement, args, func(rows *sql.Rows) error {
		e, err := scanEntry(rows, &last)
		if last == isEntry {
			known[e.Key] = e
		} else {
			end, head = last, ledger.Head{Seq: e.Seq, Hash: e.Hash}
		}
		return err
	})
	if err == nil && end > head.Seq {
		err = fmt.Errorf("%w: entry %d is there, but the head says that %d is the last: verify the ledger",
			ErrBrokenLedger, end, head.Seq)
	}
	return head, known, err
}

// chainOn puts what is not known yet behind the head. all are the wanted entries as
// they will stand in the ledger.
func (s *Store) chainOn(
	head ledger.Head, known map[string]ledger.Entry, wanted []wantedEntry,
) (all, added []ledger.Entry, err error) {
	for _, w := range wanted {
		stored, found := known[w.Key]
		if found {
			err = ledger.CheckAnswer(stored, w.asked)
		} else {
			stored, found = known[w.unless]
		}
		if err != nil {
			return nil, nil, err
		}
		if !found {
			stored, head = head.Chain(w.Entry)
			stored.Seal = s.sealOf(stored)
			known[w.Key] = stored
			added = append(added, stored)
		}
		all = append(all, stored)
	}
	return all, added, nil
}

// listsOf are the lists that the added entries leave out.
func listsOf(wanted []wantedEntry, added []ledger.Entry) map[string][]byte {
	out := map[string][]byte{}
	for _, e := range added {
		for _, w := range wanted {
			if w.Key == e.Key {
				maps.Copy(out, w.lists)
			}
		}
	}
	return out
}

// entriesAtOnce is how many entries one statement writes. SQLite looks up each argument
// among all of them, so that more would be slower.
const entriesAtOnce = 20

// insertEntries writes entries behind the head and moves it. The table takes no number twice, so
// that a chain cannot fork.
func insertEntries(ctx context.Context, tx *sql.Tx, head ledger.Head, entries []ledger.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	for some := range slices.Chunk(entries, entriesAtOnce) {
		q, lead := query{}, "INSERT INTO ledger ("+ledgerColumns+") VALUES "
		for _, e := range some {
			q.add(lead+"(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
				e.Console, e.Seq, micros(e.At), e.Request, e.Kind, e.Key, e.Prev, e.Hash, string(e.Body),
				e.Subject, e.Seal)
			lead = ", "
		}
		if _, err := exec(ctx, tx, "write entries", q.text.String(), q.args...); err != nil {
			return err
		}
	}
	last := entries[len(entries)-1]
	if head.Seq == 0 {
		_, err := exec(ctx, tx, "write the head", "INSERT INTO ledger_heads (console, seq, hash) VALUES ($1, $2, $3)",
			last.Console, last.Seq, last.Hash)
		return err
	}
	_, err := exec(ctx, tx, "move the head", "UPDATE ledger_heads SET seq = $2, hash = $3 WHERE console = $1",
		last.Console, last.Seq, last.Hash)
	return err
}
