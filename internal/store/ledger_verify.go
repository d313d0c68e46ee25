package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// VerifyLedger reads a console's chain from its first entry to its last and finds what
// was altered, removed, inserted or reordered: every hash is computed again, every
// entry must name the one before it, and the last must be the one that the table of
// heads names. It proves nothing about somebody who has rewritten the whole chain and
// its head; see [Store.VerifyLedgerSince].
//
// Faults are in the report. An error says that the ledger could not be read.
func (s *Store) VerifyLedger(ctx context.Context, console string) (LedgerReport, error) {
	return s.VerifyLedgerSince(ctx, console, LedgerHead{})
}

// VerifyLedgerSince also compares the chain with a head that was noted earlier, outside
// this database: the entry of that number must still be there and have that hash. Then
// nothing up to it has been rewritten. A zero head is not compared.
func (s *Store) VerifyLedgerSince(ctx context.Context, console string, noted LedgerHead) (LedgerReport, error) {
	c := chainCheck{report: LedgerReport{Console: console}, noted: noted}
	err := s.read(ctx, func(q queryer) error {
		if err := walk(ctx, q, console, func(e LedgerEntry) error { c.add(e); return nil }); err != nil {
			return err
		}
		var head LedgerHead
		err := q.QueryRowContext(ctx, "SELECT seq, hash FROM ledger_heads WHERE console = $1", console).
			Scan(&head.Seq, &head.Hash)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read the head of the ledger of %s: %w", console, err)
		}
		c.end(head)
		return nil
	})
	return c.report, err
}

// chainCheck is one verification under way. After a fault it goes on from what the entry
// says of itself, so that one altered entry is not told as many.
type chainCheck struct {
	report LedgerReport
	noted  LedgerHead
	untold int64 // faults beyond those listed
}

// faultsTold bounds the list: of a chain with all hashes gone each entry is a fault.
const faultsTold = 100

func (c *chainCheck) fault(seq int64, text string, args ...any) {
	if len(c.report.Faults) >= faultsTold {
		c.untold++
		return
	}
	c.report.Faults = append(c.report.Faults, LedgerFault{Seq: seq, Text: fmt.Sprintf(text, args...)})
}

// add checks the next entry in order of numbers.
func (c *chainCheck) add(e LedgerEntry) {
	before := c.report.Head
	switch next := before.Seq + 1; {
	case e.Seq == next && e.Prev != before.Hash && next == 1:
		c.fault(e.Seq, "entry 1 names an entry before it, and there is none")
	case e.Seq == next && e.Prev != before.Hash:
		c.fault(e.Seq, "entry %d does not follow entry %d: it names another hash than that one has", e.Seq, before.Seq)
	case e.Seq > next:
		c.fault(next, "%s missing before entry %d", entries(next, e.Seq-1), e.Seq)
	case e.Seq < next:
		c.fault(e.Seq, "an entry %d should not be there: the number is there already, or is below 1", e.Seq)
	}
	if e.Hash != e.Digest() {
		c.fault(e.Seq, "entry %d is not as it was written: its hash does not fit what it says", e.Seq)
	}
	if e.Seq == c.noted.Seq && e.Seq > 0 && e.Hash != c.noted.Hash {
		c.fault(e.Seq,
			"entry %d is not the one noted earlier, whose hash is %s: this entry or one before it was rewritten",
			e.Seq, c.noted.Hash)
	}
	c.report.Entries++
	if e.Seq > before.Seq {
		c.report.Head = LedgerHead{Seq: e.Seq, Hash: e.Hash}
	}
}

// end compares the last entry with the table of heads and with what was noted.
func (c *chainCheck) end(head LedgerHead) {
	last := c.report.Head
	switch {
	case head.Seq > last.Seq:
		c.fault(last.Seq+1, "%s missing at the end: the head says that %d is the last",
			entries(last.Seq+1, head.Seq), head.Seq)
	case head == LedgerHead{} && c.report.Entries > 0:
		c.fault(last.Seq, "the head is missing: entry %d is the last there is, and more may have been removed",
			last.Seq)
	case head.Seq < last.Seq:
		c.fault(head.Seq+1, "%s not written by this program: the head says that %d is the last",
			entries(head.Seq+1, last.Seq), head.Seq)
	case head.Hash != last.Hash:
		c.fault(last.Seq, "entry %d is not the one that was written last: the head has another hash", last.Seq)
	}
	if c.noted.Seq > last.Seq {
		c.fault(last.Seq+1, "%s missing at the end: entry %d was noted earlier",
			entries(last.Seq+1, c.noted.Seq), c.noted.Seq)
	}
	if c.untold > 0 {
		c.report.Faults = append(c.report.Faults,
			LedgerFault{Seq: last.Seq, Text: fmt.Sprintf("%d more faults are not listed", c.untold)})
	}
}

func entries(from, to int64) string {
	if from == to {
		return fmt.Sprintf("entry %d is", from)
	}
	return fmt.Sprintf("entries %d to %d are", from, to)
}
