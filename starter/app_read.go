package main

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// readContext is a reading of the store: which console, as of when.
type readContext struct {
	db   *store.Store
	host string
	asOf *time.Time
	// snapshot is the last at that time that proved who holds what: if one proved
	// the users and another the service users, the older of the two.
	snapshot store.Snapshot
	// full is as snapshot, without delta syncs.
	full store.Snapshot
	// unread are the principals that no sync has proven.
	unread []access.Collection
	// held are ones that were quarantined and could still become part of the answer.
	held []store.Snapshot
}

// provenance is the metadata of every JSON answer.
type provenance struct {
	Console  string     `json:"console"`
	AsOf     *time.Time `json:"asOf"` // from the flag; null means now
	Snapshot string     `json:"snapshot"`
	// ProvenAt is when that snapshot was proven.
	ProvenAt time.Time `json:"provenAt"`
	// FullProvenAt is when the last full sync was proven, if that snapshot is of a delta sync: what the activity feed
	// did not name is as old as that.
	FullProvenAt time.Time `json:"fullProvenAt,omitzero"`
	// Quarantined are snapshots that are held back, by id.
	Quarantined []string `json:"quarantined"`
	// Unread are principals that no sync has proven: users, serviceUsers.
	Unread []access.Collection `json:"unread,omitempty"`
}

// ask opens the store and finds what an answer rests on. The caller closes db.
func (p *app) ask(ctx context.Context, flag string, asOf *time.Time) (q readContext, err error) {
	db, err := p.openStore(ctx)
	if err != nil {
		return readContext{}, err
	}
	defer func() {
		if err != nil {
			_ = db.Close()
		}
	}()
	q = readContext{db: db, asOf: asOf}
	if q.host, err = p.chooseConsole(ctx, db, flag); err != nil {
		return readContext{}, err
	}
	if q.snapshot, q.unread, err = rest(ctx, db, q.host, asOf); err != nil {
		return readContext{}, err
	}
	if q.full, _, err = db.FullProvenance(ctx, q.host, asOf, access.Users, access.ServiceUsers); err != nil {
		return readContext{}, err
	}
	held, err := db.Promotable(ctx, q.host)
	if err != nil {
		return readContext{}, err
	}
	for _, s := range held {
		if asOf == nil || !s.StartedAt.After(*asOf) {
			q.held = append(q.held, s)
		}
	}
	return q, nil
}

func (q readContext) close() { _ = q.db.Close() }

func (q readContext) basis() provenance {
	b := provenance{
		Console: q.host, AsOf: q.asOf, Snapshot: q.snapshot.ID,
		ProvenAt: q.snapshot.PromotedAt, Quarantined: []string{}, Unread: q.unread,
	}
	if q.full.ID != q.snapshot.ID {
		b.FullProvenAt = q.full.PromotedAt
	}
	for _, s := range q.held {
		b.Quarantined = append(b.Quarantined, s.ID)
	}
	return b
}

// explain prints which sync the answer comes from.
func (p *app) explain(q readContext) {
	asked := "now"
	if q.asOf != nil {
		asked = describe.Minute(*q.asOf)
	}
	p.remark("%s as of %s: sync verified %s (%s)", q.host, asked,
		describe.Minute(q.snapshot.PromotedAt), describe.Ago(q.snapshot.PromotedAt, p.now()))
	if q.full.ID != q.snapshot.ID {
		p.remark("note: that was a delta sync; "+
			"what the activity feed did not name is as old as the full sync of %s (%s)",
			describe.Minute(q.full.PromotedAt), describe.Ago(q.full.PromotedAt, p.now()))
	}
	for _, c := range q.unread {
		p.remark("note: the %s have never been synced: run `starter sync --wait`", c)
	}
	for _, s := range q.held {
		id := cmp.Or(s.WorkflowID, wire.SyncID(q.host))
		p.remark("note: the sync of %s is quarantined and not shown%s. See `starter status%[3]s`; "+
			"`starter confirm%[3]s` promotes it, `starter discard%[3]s` discards it%[4]s.",
			describe.Minute(s.StartedAt), because(s.Reasons), p.idFlag(id), meanwhile(id))
	}
}

// scheduled is how Temporal ends the ids of what a schedule starts: with the time.
var scheduled = regexp.MustCompile(`-\d{4}-\d\d-\d\dT[0-9:.]+Z$`)

// meanwhile explains what a quarantined sync blocks: its schedule starts no other.
func meanwhile(id string) string {
	if !scheduled.MatchString(id) {
		return ""
	}
	return "; scheduled syncs are skipped until someone decides"
}

func because(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s)", strings.Join(reasons, "; "))
}
