package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

func user(id string) *ledger.Subject { return &ledger.Subject{Kind: access.User, ID: id} }

// proofOf is the proof of a change of a principal.
func proofOf(request string, of *ledger.Subject) ledger.NewEntry {
	key := access.ChangeKey(request+"#run", access.OpAcquire)
	return ledger.NewEntry{Request: request, Key: ledger.ProofKey(key), At: began, Body: ledger.Proof{
		Principal: of, Proof: access.Proof{Op: access.OpAcquire, Key: key}, Roles: &ledger.RoleProof{},
	}}
}

func writeOf(request string, of *ledger.Subject) ledger.NewEntry {
	key := access.ChangeKey(request+"#run", access.OpAcquire)
	return ledger.NewEntry{Request: request, Key: ledger.WriteKey(key, 0), At: began, Body: ledger.Write{
		Principal: of, Roles: &ledger.RoleWrite{},
	}}
}

func requestFor(request string, of *ledger.Subject) ledger.NewEntry {
	return ledger.NewEntry{
		Request: request, Key: ledger.Run{Request: request, ID: "run"}.RequestKey(0), At: began,
		Body: ledger.Request{Plan: access.Plan{
			Op: access.OpAcquire, Principal: access.PrincipalRef{Kind: of.Kind, ID: of.ID},
		}},
	}
}

// The entries about a principal are found in their order, and the newest proof among them, whatever
// request they belong to.
func TestLedgerOfSubject(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		service := &ledger.Subject{Kind: access.ServiceUser, ID: "401"}
		all := appendTo(t, s, acme,
			requestFor("grant/1", user("401")), writeOf("grant/1", user("401")), proofOf("grant/1", user("401")),
			requestFor("grant/2", user("402")), proofOf("grant/2", service), note("grant/1", "cancelled", 1),
			proofOf("grant/3", user("401")), writeOf("grant/4", user("401")),
		)
		appendTo(t, s, "other.example.com", proofOf("grant/1", user("401")))
		of := func(subject string, since int64) []ledger.Entry {
			got, err := s.LedgerOfSubject(t.Context(), acme, subject, since)
			require.NoError(t, err)
			return got
		}
		require.Equal(t, []ledger.Entry{all[0], all[1], all[2], all[6], all[7]}, of("user/401", 0))
		require.Equal(t, []ledger.Entry{all[6], all[7]}, of("user/401", 3))
		require.Equal(t, all[4:5], of("serviceUser/401", 0))
		require.Empty(t, of("user/4", 0))
		require.Empty(t, of("", 0), "nobody is the subject of what is about nobody")
		for subject, want := range map[string]int{"user/401": 6, "serviceUser/401": 4, "user/402": -1, "": -1} {
			got, found, err := s.LastProofOf(t.Context(), acme, subject)
			require.NoError(t, err)
			require.Equal(t, want >= 0, found, subject)
			if found {
				require.Equal(t, all[want], got, subject)
			}
		}
	})
}

// The recent entries about a principal are those after the last one that is old.
func TestRecentLedgerOfSubject(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		var entries []ledger.NewEntry
		for i, after := range []time.Duration{0, time.Minute, 2 * time.Minute, time.Minute, 3 * time.Minute} {
			e := writeOf(fmt.Sprintf("grant/%d", i), user("401"))
			e.At = began.Add(after)
			entries = append(entries, e, writeOf(fmt.Sprintf("grant/other%d", i), user("402")))
		}
		all := appendTo(t, s, acme, entries...)
		appendTo(t, s, "other.example.com", entries...)
		for since, want := range map[time.Duration][]ledger.Entry{
			-1:                            {all[0], all[2], all[4], all[6], all[8]},
			0:                             {all[2], all[4], all[6], all[8]},
			time.Minute:                   {all[8]},
			3*time.Minute - 1:             {all[8]},
			3 * time.Minute:               {},
			24 * time.Hour:                {},
			2*time.Minute - time.Second/2: {all[8]},
		} {
			got, err := s.RecentLedgerOfSubject(t.Context(), acme, "user/401", began.Add(since))
			require.NoError(t, err)
			require.Equal(t, want, got, since)
		}
		got, err := s.RecentLedgerOfSubject(t.Context(), acme, "", began.Add(-1))
		require.NoError(t, err)
		require.Empty(t, got)
	})
}

// Both databases find the entries of a principal by an index, and read no others.
func TestLedgerOfSubject_UsesTheIndex(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		const principals, each = 50, 20
		for i := range principals {
			var entries []ledger.NewEntry
			for j := range each {
				request := fmt.Sprintf("grant/%d-%d", i, j)
				entries = append(entries, writeOf(request, user(fmt.Sprint(i))), proofOf(request, user(fmt.Sprint(i))))
			}
			appendTo(t, s, acme, entries...)
		}
		explain := "EXPLAIN QUERY PLAN "
		if onPostgres(db) {
			explain = "EXPLAIN "
			change(t, s, "ANALYZE ledger")
		}
		for statement, index := range map[string]string{
			store.OfSubjectStatement: "ledger_of_subject", store.LastProofStatement: "ledger_proofs",
			store.RecentOfStatement: "ledger_of_subject",
		} {
			args := []any{acme, "user/7", 0}
			if strings.Count(statement, "$") == 2 {
				args = args[:2]
			}
			plan := queryPlan(db, explain+statement, args)
			require.Contains(t, plan, index)
			require.NotContains(t, plan, "ledger_pkey")
			require.NotContains(t, plan, "autoindex")
		}
	})
}

// queryPlan is what the database says of how it runs a statement.
func queryPlan(db database, explain string, args []any) string {
	t := db.t
	t.Helper()
	rows, err := db.s.DB().QueryContext(t.Context(), explain, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var line string
		if onPostgres(db) {
			require.NoError(t, rows.Scan(&line))
		} else {
			require.NoError(t, rows.Scan(&id, &parent, &unused, &line))
		}
		plan.WriteString(line + "\n")
	}
	require.NoError(t, rows.Err())
	return plan.String()
}

// What an entry is about is part of the answer: an append that finds another one fails, and writes nothing.
func TestAppend_OtherAnswer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		deny := access.Decision{At: began, By: "carol@example.com", Action: "deny", PlanHash: "1"}
		approve := deny
		approve.Action = "approve"
		run := ledger.Run{Request: "grant/1", ID: "run"}
		decided := func(d access.Decision) ledger.NewEntry {
			return ledger.NewEntry{
				Request: run.Request, Key: run.NumberedDecisionKey(0), At: d.At, Body: ledger.Decision{Decision: d},
			}
		}
		first := appendTo(t, s, acme, decided(deny))
		_, err := s.Append(t.Context(), acme, note("grant/1", "plan", 1), decided(approve))
		require.ErrorIs(t, err, ledger.ErrOtherAnswer)
		require.Equal(t, first, walked(t, s, acme), "nothing of it was written")
		later := deny
		later.At = began.Add(time.Hour)
		require.Equal(t, first, appendTo(t, s, acme, decided(later)), "the first answer")
	})
}

// A database of 0.4.0 is migrated with the principals that its requests name. Bodies of people
// who put JSON into a reason, or an escaped NUL, hold nothing up.
func TestMigrate_Subjects(t *testing.T) {
	t.Parallel()
	onBothURLs(t, func(t *testing.T, url string) {
		t.Helper()
		old, err := store.OpenAt(t.Context(), url, 1)
		require.NoError(t, err)
		const run = "0b0e6f0c-5b1c-4f0e-8f4e-0d5f6c1d2e3f"
		rows := []struct{ request, kind, key, body, want string }{
			{
				"grant/1", "request", "request", `{"plan":{"op":"acquire","console":"acmeco.sentinelone.net",` +
					`"principal":{"kind":"user","id":"401","email":"ana@example.com"},"terms":{"requester":"bob",` +
					`"reason":"\u0000 \"principal\":{\"kind\":\"user\",\"id\":\"9\"} \ud800"}}}`, "user/401",
			},
			{"grant/1", "write", "acquire/write/0", `{"write":{},"roles":{}}`, "user/401"},
			{"grant/1", "answer", "acquire/answer/0", `{"write":{}}`, ""},
			{"grant/1", "proof", "acquire/proof", `{"proof":{},"roles":{}}`, "user/401"},
			{"grant/2", "proof", "acquire/proof", `{"proof":{},"roles":{}}`, ""},
			{
				"provision/1", "request", "request", `{"plan":{"op":"create","console":"acmeco.sentinelone.net",` +
					`"principal":{"kind":"user","id":"","email":"ana@example.com"}}}`, "",
			},
			{"grant/3", "request", "request", `[`, ""},
		}
		for i, r := range rows {
			change(t, old, `INSERT INTO ledger (console, seq, at, request, kind, key, prev, hash, body)
				VALUES ($1, $2, 0, $3, $4, $5, '', '', $6)`, acme, i+1, r.request, r.kind,
				r.request+"#"+run+"/"+r.key, r.body)
		}
		require.NoError(t, old.Close())
		s := open(t, url)
		for i, e := range walked(t, s, acme) {
			require.Equal(t, rows[i].want, e.Subject, "%s of %s", e.Kind, e.Request)
			require.Equal(t, rows[i].body, string(e.Body))
		}
		_, err = s.DB().ExecContext(t.Context(), "UPDATE ledger SET subject = ''")
		require.ErrorContains(t, err, "the ledger is append-only")
	})
}
