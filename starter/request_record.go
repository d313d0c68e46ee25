package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// requestRecord is everything that is known about one request: by Temporal, while that
// remembers it, and by the ledger.
type requestRecord struct {
	observation

	id       string // workflow id
	others   []string
	temporal bool   // Temporal knows it
	silent   string // why Temporal could not be asked
	unread   string // why the ledger could not be read
	run      string // its latest run
	runs     int    // how often the ledger has seen the id
	entries  []record
	names    store.Directory

	waits []store.Wait // for the console, by the store

	plan      *access.Plan // nil until it is made
	plannedAt time.Time    // by the ledger
	receipt   *access.Receipt
	proofs    []access.Proof
}

func (d requestRecord) known() bool { return d.temporal || len(d.entries) > 0 || len(d.waits) > 0 }

// requestRecord gathers what is known of the first of the ids that anybody knows. Without an
// engine the ledger alone is asked; silent says why then.
func (p *app) requestRecord(ctx context.Context, e *temporalClient, console string, ids ...string) requestRecord {
	d := requestRecord{id: ids[0]}
	all := map[string][]ledger.Entry{}
	db, host, err := p.openLedger(ctx, console)
	if err == nil {
		defer func() { _ = db.Close() }()
		all, err = ledgerOf(ctx, db, host, ids)
	}
	var waits map[string][]store.Wait
	if err == nil {
		waits, err = waitsOf(ctx, db, host)
	}
	if err == nil {
		d.names, err = db.Directory(ctx, host)
	}
	if err != nil {
		d.unread = err.Error()
	}
	var found []string
	for _, id := range ids {
		run, err := e.firstRunOf(ctx, id)
		if err != nil {
			d.silent = err.Error()
		}
		if run == "" && len(all[id]) == 0 && len(waits[id]) == 0 {
			continue
		}
		if found = append(found, id); len(found) == 1 {
			d.id, d.run, d.temporal = id, run, run != ""
		}
	}
	if len(found) > 0 {
		d.others = found[1:]
	}
	d.read(all[d.id])
	d.waits = waits[d.id]
	if d.temporal {
		d.observe(ctx, e)
	}
	d.assemble()
	return d
}

func ledgerOf(
	ctx context.Context, db *store.Store, host string, ids []string,
) (map[string][]ledger.Entry, error) {
	out := map[string][]ledger.Entry{}
	for _, id := range ids {
		entries, err := db.LedgerOf(ctx, host, id)
		if err != nil {
			return out, err
		}
		out[id] = entries
	}
	return out, nil
}

// waitsOf are the steps of requests that wait for the console, by request.
func waitsOf(ctx context.Context, db *store.Store, host string) (map[string][]store.Wait, error) {
	all, err := db.Waits(ctx, host)
	out := map[string][]store.Wait{}
	for _, w := range all {
		out[w.Request] = append(out[w.Request], w)
	}
	return out, err
}

// firstRunOf is "" without a connection too.
func (e *temporalClient) firstRunOf(ctx context.Context, id string) (string, error) {
	if e == nil {
		return "", nil
	}
	return e.FirstRunID(ctx, id)
}

// observe asks Temporal, which may be on its way out.
func (d *requestRecord) observe(ctx context.Context, e *temporalClient) {
	seen, err := e.glimpseNow(ctx, startedRun{WorkflowID: d.id})
	if err != nil {
		d.silent = e.Explain(err).Error()
		return
	}
	d.observation = seen
	d.silent = seen.trouble
}

// read keeps the entries of the latest run: an id may have been used again.
func (d *requestRecord) read(all []ledger.Entry) {
	var runs []string
	for _, entry := range all {
		if run := ledger.RunOf(entry).ID; run != "" && !slices.Contains(runs, run) {
			runs = append(runs, run)
		}
	}
	if d.runs = len(runs); d.run == "" && d.runs > 0 {
		d.run = runs[d.runs-1]
	}
	for _, entry := range all {
		if ledger.RunOf(entry).ID == d.run {
			body, err := ledger.Decode(entry)
			d.entries = append(d.entries, record{Entry: entry, body: body, unreadable: err})
		}
	}
}

// record is an entry of the ledger with its body.
type record struct {
	ledger.Entry

	body       ledger.Body // nil if unreadable
	unreadable error       // why the body cannot be read
}

// assemble takes plan, proofs and receipt from where they are known best.
func (d *requestRecord) assemble() {
	var proven []access.Proof
	for _, entry := range d.entries {
		switch body := entry.body.(type) {
		case ledger.Request:
			d.plan, d.plannedAt = &body.Plan, entry.At
		case ledger.Proof:
			proven = append(proven, body.Proof)
		case ledger.Receipt:
			d.receipt = &body.Receipt
		}
	}
	d.proofs = proven
	if d.status != nil {
		d.plan, d.proofs = cmp.Or(d.status.Plan, d.plan), d.status.Proofs
	}
	if d.receipt == nil && d.result != nil {
		d.receipt = d.result.Receipt
	}
	if d.receipt != nil {
		d.proofs = d.receipt.Proofs
		d.plan = cmp.Or(d.plan, &d.receipt.Plan)
	}
}

// States of requests of which the ledger alone is known.
const (
	stateOpen       = "open"       // there is no receipt
	stateUnreadable = "unreadable" // this version cannot read its entry
)

// unreadable names the entries that cannot be read.
func (d requestRecord) unreadable() error {
	var all []error
	for _, entry := range d.entries {
		all = append(all, entry.unreadable)
	}
	return errors.Join(all...)
}

func (d requestRecord) state() string {
	if d.receipt != nil {
		return d.receipt.State
	}
	return cmp.Or(d.observation.state(), stateOpen)
}

func (d requestRecord) requester() string {
	if d.plan != nil {
		return d.plan.Terms.Requester
	}
	if d.status != nil {
		return d.status.Requester
	}
	return ""
}

// askedAt is when the request was made; zero if that is not known.
func (d requestRecord) askedAt() time.Time {
	switch {
	case d.receipt != nil:
		return d.receipt.StartedAt
	case d.status != nil:
		return d.status.StartedAt
	case len(d.entries) > 0:
		return d.entries[0].At
	case len(d.waits) > 0:
		return d.waits[0].Since
	}
	return time.Time{}
}

func (d requestRecord) endsAt() *time.Time {
	if d.status == nil {
		return nil
	}
	return d.status.EndsAt
}

// sentence says who asked, what for whom, and where it stands.
func (d requestRecord) sentence() string {
	text := cmp.Or(d.requester(), "somebody") + " asked"
	if at := d.askedAt(); !at.IsZero() {
		text += " on " + describe.Minute(at)
	}
	if d.plan != nil && d.plan.Principal.ID != "" {
		text += " to " + describe.Plan(*d.plan)
	}
	text += "; the state is " + d.state()
	if at := d.endsAt(); at != nil && d.state() == wire.StateActive {
		text += " until " + describe.Second(*at)
	}
	return text
}

// waiting says what it waits for, in a sentence; "" while it moves, and at the end.
func (d requestRecord) waiting() string {
	switch {
	case d.receipt != nil || d.over:
		return ""
	case d.status != nil && d.status.Waiting != "":
		return d.status.Waiting
	case len(d.waits) > 0 && (d.status == nil || livestatus.Moving(d.status.State)):
		return livestatus.WaitText(d.waits[len(d.waits)-1])
	}
	return ""
}

// message says why it ended as it did; "" where that is plain.
func (d requestRecord) message() string {
	switch {
	case d.receipt != nil:
		return d.receipt.Message
	case d.failure != nil:
		return d.failure.Error()
	}
	return ""
}

// unknown is the error of a request that nobody knows.
func (d requestRecord) unknown(text string) error {
	why := slices.DeleteFunc([]string{d.silent, d.unread}, func(s string) bool { return s == "" })
	if len(why) > 0 {
		return fmt.Errorf("no request %q was found, but not everybody could be asked: %s",
			text, strings.Join(why, "; "))
	}
	return fmt.Errorf("there is no request %q: see `starter requests`", text)
}
