package store

import (
	"cmp"
	"context"
	"slices"

	"sentinelone-provisioner/internal/ledger"
)

// Requests lists requests with their receipts, newest first: the ledger's entries of
// kind [ledger.KindRequest], each with the last entry of kind [ledger.KindReceipt] of the same
// workflow id, up to that id's next request. A request without receipt is unfinished,
// unless its id was used again since: then it ended without one, and Open leaves it out.
func (s *Store) Requests(ctx context.Context, q RequestsQuery) ([]LedgerPair, error) {
	var out []LedgerPair
	err := s.read(ctx, func(tx queryer) error {
		asked := askedFor(q)
		requests, err := entriesOf(ctx, tx, asked.text.String(), asked.args...)
		if err != nil {
			return err
		}
		receipts := map[int64]*ledger.Entry{}
		if !q.Open { // they have none
			if receipts, err = s.receipts(ctx, tx, q.Console, requests); err != nil {
				return err
			}
		}
		out = make([]LedgerPair, len(requests))
		for i, r := range requests {
			out[i] = LedgerPair{Request: r, Receipt: receipts[r.Seq]}
		}
		return nil
	})
	return out, err
}

// Written out, so that SQLite sees that the partial index holds what is asked for.
const requestOrReceipt = " AND x.kind IN ('request', 'receipt')"

func askedFor(q RequestsQuery) *query {
	asked := &query{args: []any{q.Console}}
	asked.add("SELECT " + ledgerColumns + " FROM ledger r WHERE console = $1 AND kind = 'request'")
	if q.Since != nil {
		asked.add(" AND at >= %s", micros(*q.Since))
	}
	if q.Open {
		asked.add(" AND NOT EXISTS (SELECT 1 FROM ledger x WHERE x.console = $1 AND x.request = r.request" +
			requestOrReceipt + " AND x.seq > r.seq)")
	}
	asked.add(" ORDER BY seq DESC")
	if q.Limit > 0 {
		asked.add(" LIMIT %s", q.Limit)
	}
	return asked
}

// receipts finds the receipt of each request, by the request's number.
func (s *Store) receipts(
	ctx context.Context, q queryer, console string, requests []ledger.Entry,
) (map[int64]*ledger.Entry, error) {
	ids := make([]string, len(requests))
	for i, r := range requests {
		ids[i] = r.Request
	}
	slices.Sort(ids)
	found, err := entriesOf(ctx, q,
		s.d.probe(ledgerColumns, "ledger x", "x.console = $1"+requestOrReceipt, "x.request", "$2"),
		console, list(s.d, slices.Compact(ids)))
	if err != nil {
		return nil, err
	}
	// Sorted here: asked for the order, SQLite would read the whole chain in it.
	slices.SortFunc(found, func(a, b ledger.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	latest, out := map[string]int64{}, map[int64]*ledger.Entry{}
	for i, e := range found {
		if e.Kind == ledger.KindRequest {
			latest[e.Request] = e.Seq
		} else {
			out[latest[e.Request]] = &found[i]
		}
	}
	return out, nil
}
