package ledger_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/ledger"
)

// The first entries of a ledger that 0.5.0 wrote about a grant to a user with 70 roles: lists longer than today's
// entries have stand in their bodies, and count in the hashes of plan and proof.
func TestRecorded_LongListsOf050(t *testing.T) {
	t.Parallel()
	packed, err := os.ReadFile("testdata/recorded/0.5.0.jsonl.gz")
	require.NoError(t, err)
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	var all []ledger.Entry
	for lines := json.NewDecoder(unpacked); lines.More(); {
		var e ledger.Entry
		require.NoError(t, lines.Decode(&e))
		body, err := ledger.Decode(e)
		require.NoError(t, err)
		e.Subject = ledger.SubjectOf(body) // a column of the database, which follows from the body
		all = append(all, e)
	}
	require.Len(t, all, 6)
	last := all[5]
	report := verified(all, ledger.Head{Seq: last.Seq, Hash: last.Hash}, ledger.Head{})
	require.Empty(t, report.Faults)

	var request ledger.Request
	require.NoError(t, json.Unmarshal(all[1].Body, &request))
	require.Len(t, request.Plan.Before.Held, 70)
	require.True(t, request.Plan.Intact())
	changed := request.Plan
	changed.Role.ID = "another"
	require.False(t, changed.Intact())
	var proof ledger.Proof
	require.NoError(t, json.Unmarshal(last.Body, &proof))
	require.Len(t, proof.Proof.After.Held, 70)
	require.Len(t, proof.Proof.Reads[0].Holdings.Held, 70)
	again, err := json.Marshal(proof)
	require.NoError(t, err)
	require.JSONEq(t, string(last.Body), string(again), "what is read is what is written again")
}
