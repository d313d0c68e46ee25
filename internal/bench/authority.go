package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
)

// authorityRow is what authority adds to one write, on one database.
type authorityRow struct {
	database     string
	entries      int             // of the ledger
	ofPrincipal  int             // of those, about the principal that is changed
	lock         []time.Duration // take the principal's lock and release it
	read         []time.Duration // the request, the last proof and the unproven writes
	judge        []time.Duration // seals, signatures, decisions, policy
	whole        []time.Duration
	fillDuration time.Duration
}

// The ledger that is measured: most entries are of other requests, and one principal has
// thousands.
const (
	authorityEntries = 100_000
	busyEvery        = 20 // every so many requests is about the busy principal
	authorityWrites  = 300
	authorityLimit   = 5 * time.Millisecond
)

func (b *bench) authorityRows(ctx context.Context, databases []string) error {
	rows, err := onEach(ctx, "authority", databases, b.measureAuthority)
	if err == nil {
		reportAuthority(os.Stdout, rows)
	}
	return err
}

func (b *bench) measureAuthority(ctx context.Context, database string) (row authorityRow, err error) {
	url, err := b.database(ctx, database)
	if err != nil {
		return row, err
	}
	s, err := store.Open(ctx, url)
	if err != nil {
		return row, err
	}
	defer s.Close()
	if err := sealLedger(ctx, s); err != nil {
		return row, err
	}
	scene, err := b.newAuthorityScene(s)
	if err != nil {
		return row, err
	}
	row.database = database
	began := time.Now()
	if err := scene.fill(ctx, &row); err != nil {
		return row, err
	}
	row.fillDuration = time.Since(began)
	for range authorityWrites {
		if err := scene.write(ctx, &row); err != nil {
			return row, err
		}
	}
	return row, nil
}

// authorityScene is the ledger of a console, and the worker that judges a write.
type authorityScene struct {
	store  *store.Store
	judge  authority.Judge
	policy *policy.Policy
	keys   map[string]ed25519.PrivateKey
	run    ledger.Run
	now    time.Time
	known  access.OwnershipState
}

const (
	benchConsole = "acmeco.sentinelone.net"
	benchPolicy  = `
groups: {leads: [carol@example.com, dave@example.com, erin@example.com]}
rules:
  - {name: deny-admin, when: role.name == "Admin" && requester == "mallory@example.com", deny: not for mallory}
  - {name: leads, permanent: true, approvals: [{need: 2, from: [leads]}]}
`
)

var (
	benchPeople = []string{"bob@example.com", "carol@example.com", "dave@example.com", "erin@example.com"}
	benchViewer = access.Holding{Level: access.SiteLevel, RoleID: "301", ScopeID: "200"}
	benchSOC    = access.Holding{Level: access.SiteLevel, RoleID: "302", ScopeID: "201"}
)

func (b *bench) newAuthorityScene(s *store.Store) (*authorityScene, error) {
	p, err := policy.Parse("policy.yaml", []byte(benchPolicy))
	if err != nil {
		return nil, err
	}
	out := &authorityScene{
		store: s, policy: p, keys: map[string]ed25519.PrivateKey{}, now: time.Now().UTC(),
		run: ledger.Run{Request: "grant/measured", ID: "run"},
	}
	var signers *signing.AllowedSigners
	if signers, err = out.writeSigners(b.dir); err != nil {
		return nil, err
	}
	out.known = access.OwnershipState{Known: true, Baseline: holds(benchViewer), Proven: holds(benchViewer)}
	out.judge = authority.Judge{
		Console: benchConsole, Signers: signers,
		Policy:    func(context.Context, string) (*policy.Policy, error) { return p, nil }, // read once per process
		Delegated: func(context.Context, access.Delegation, time.Time) (string, error) { return "", nil },
	}
	return out, nil
}

// write is all that a write waits for before it is sent, besides the console.
func (a *authorityScene) write(ctx context.Context, row *authorityRow) error {
	began := time.Now()
	lock, err := a.store.LockPrincipal(ctx, benchConsole, a.subject())
	if err != nil {
		return err
	}
	locked := time.Now()
	entries, err := a.store.LedgerOf(ctx, benchConsole, a.run.Request)
	if err != nil {
		return err
	}
	record, err := authority.RecordOf(entries, a.run)
	if err != nil {
		return err
	}
	last, found, err := a.store.LastProofOf(ctx, benchConsole, a.subject())
	if err != nil || !found {
		return fmt.Errorf("no last proof: %w", err)
	}
	if _, err := ledger.DecodeAs[ledger.Proof](last); err != nil {
		return err
	}
	since, err := a.store.LedgerOfSubject(ctx, benchConsole, a.subject(), last.Seq)
	if err != nil {
		return err
	}
	read := time.Now()
	for _, e := range slices.Concat(entries, since, []ledger.Entry{last}) {
		if err := a.store.VerifySeal(ctx, e); err != nil {
			return err
		}
	}
	change, _, err := a.judge.ChangeOf(ctx, record, access.OpGrant, a.now)
	if err != nil {
		return err
	}
	v, err := a.judge.Write(ctx, record, authority.Change{
		Principal: a.principal(), Op: access.OpGrant, Known: a.known,
		Step: a.known.Apply(change, holds(benchViewer)), Now: a.now,
	})
	if err != nil || !v.Covered() {
		return fmt.Errorf("the write that is measured must be covered: %s: %w", v.Text, err)
	}
	judged := time.Now()
	if err := lock.Release(ctx); err != nil {
		return err
	}
	done := time.Now()
	row.lock = append(row.lock, locked.Sub(began)+done.Sub(judged))
	row.read = append(row.read, read.Sub(locked))
	row.judge = append(row.judge, judged.Sub(read))
	row.whole = append(row.whole, done.Sub(began))
	return nil
}

func (a *authorityScene) principal() access.PrincipalRef {
	return access.PrincipalRef{Kind: access.User, ID: "401", Email: "ana@example.com"}
}

func (a *authorityScene) subject() string {
	return ledger.Subject{Kind: access.User, ID: a.principal().ID}.String()
}

func holds(list ...access.Holding) access.Holdings {
	out := access.Holdings{Level: access.SiteLevel}
	for _, h := range list {
		out.Held = append(out.Held, access.HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID})
	}
	return out.Normal()
}
