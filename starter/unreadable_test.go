//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestrecord"
)

// rawBody is a body that only another version of this program could write.
type rawBody struct {
	kind ledger.Kind
	text string
}

func (b rawBody) Kind() ledger.Kind            { return b.kind }
func (b rawBody) MarshalJSON() ([]byte, error) { return json.RawMessage(b.text).MarshalJSON() }

const updateAdvice = "use the version that wrote the entry, or a newer one"

// show has a line for each entry that it cannot read, says so on standard error too, and
// shows the rest.
func TestShow_EntriesItCannotRead(t *testing.T) {
	plan := askedOfPeople("ana@example.com").Seal()
	for _, e := range []struct {
		rawBody
		step, why string
	}{
		{rawBody{"oracle", `{}`}, "oracle", "this version does not know the kind: "},
		{rawBody{ledger.KindDecision, `{"decision":{},"mood":"good"}`}, "decision/0", `json: unknown field "mood": `},
		{rawBody{ledger.KindReceipt, `[1]`}, "receipt", "the body is not a JSON object: "},
		{
			rawBody{ledger.KindProof, `{"proof":{"reads":null}}`},
			"acquire/proof", `it must hold either "roles" or "account": `,
		},
		{rawBody{ledger.KindNotification, `"text"`}, "notification/1/slack", "the body is not a JSON object: "},
	} {
		recordOf(t, "grant/OLD",
			ledger.NewEntry{Key: "request", Body: ledger.Request{Plan: plan}},
			ledger.NewEntry{Key: e.step, Body: e.rawBody})
		why := `entry 2 of the ledger (kind "` + string(e.kind) +
			`", key "grant/OLD#r1/` + e.step + `") cannot be read: ` + e.why
		got := run(t, "show", "OLD")
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.out, "2026-03-10 12:01:00 UTC  unreadable  "+why+updateAdvice)
		require.Contains(t, got.out, "SOC", "the plan can be read")
		require.Contains(t, got.errOut, "error: "+why+updateAdvice)
		got = run(t, "show", "OLD", "-o", "json")
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.errOut, why)
		require.Contains(t, got.out, plan.Hash)
	}
}

// requests lists what it cannot read beside what it can, and fails.
func TestRequests_ThatCannotBeRead(t *testing.T) {
	f := newFixture(t)
	t.Setenv("SENTINELONE_BASE_URL", baseURL)
	plan := ledger.Request{Plan: askedOfPeople("ana@example.com").Seal()}
	at := noon
	add := func(id, step string, body ledger.Body) {
		run := ledger.Run{Request: id, ID: "r1"}
		at = at.Add(time.Minute)
		_, err := f.db.Append(t.Context(), host, ledger.NewEntry{
			Request: id, Key: run.String() + "/" + step, At: at, Body: body,
		})
		require.NoError(t, err)
	}
	add("grant/GOOD", "request", plan)
	add("grant/ODD", "request", rawBody{ledger.KindRequest, `{"plan":{},"mood":"good"}`})
	add("grant/HALF", "request", plan)
	add("grant/HALF", "receipt", rawBody{ledger.KindReceipt, `null`})

	got := run(t, "requests")
	require.Equal(t, exitFailed, got.code)
	require.Regexp(t, `(?m)^grant/GOOD .* open$`, got.out)
	require.Regexp(t, `(?m)^grant/ODD .* unreadable: entry 2 of the ledger .* unknown field "mood": `, got.out)
	require.Regexp(t, `(?m)^grant/HALF .* bob@example.com .* unreadable: entry 4 of the ledger .* not a JSON object: `,
		got.out)
	require.Contains(t, got.errOut, "error: entry 4 of the ledger (")
	require.Contains(t, got.errOut, "entry 2 of the ledger (")

	got = run(t, "requests", "-o", "json")
	require.Equal(t, exitFailed, got.code)
	rows := decode[requestsAnswer](t, got).Requests
	require.Len(t, rows, 3)
	require.Equal(t, "grant/HALF", rows[0].ID)
	require.Equal(t, requestrecord.StateUnreadable, rows[0].State)
	require.Equal(t, access.OpAcquire, rows[0].Op)
}

// A signature stands under what was signed, not under a run: the id was used once.
func TestShow_SignatureIsNoRun(t *testing.T) {
	f := recordedRequest(t, nil)
	_, err := f.db.Append(t.Context(), host, ledger.NewEntry{
		Request: "grant/OLD", Key: ledger.SignatureKey([]byte("text")), At: noon,
		Body: ledger.Signature{UsedFor: "grant/OLD#r1/request", Statement: "text", Signed: "SHA256:abc"},
	})
	require.NoError(t, err)
	got := run(t, "show", "OLD")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.NotContains(t, got.errOut, "the id was used")
}
