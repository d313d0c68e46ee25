package receipt_test

import (
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/receipt"
	"sentinelone-provisioner/internal/signing"
)

// recordedReceipts are those in the results of the recorded histories, by the file of the history.
func recordedReceipts(t *testing.T) map[string]access.Receipt {
	t.Helper()
	out := map[string]access.Receipt{}
	root := filepath.Join("..", "..", "workflows", "testdata", "histories", "0.4.0")
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		var history any
		require.NoError(t, json.Unmarshal(text, &history))
		for _, payload := range payloadsIn(history) {
			if r, err := signing.ParseReceipt(payload); err == nil {
				out[filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))] = r
			}
		}
		return nil
	}))
	return out
}

// payloadsIn finds the payloads in a history in the JSON of Temporal's CLI.
func payloadsIn(v any) [][]byte {
	var out [][]byte
	switch v := v.(type) {
	case []any:
		for _, each := range v {
			out = append(out, payloadsIn(each)...)
		}
	case map[string]any:
		if data, ok := v["data"].(string); ok && v["metadata"] != nil {
			if text, err := base64.StdEncoding.DecodeString(data); err == nil {
				out = append(out, text)
			}
		}
		for _, each := range v {
			out = append(out, payloadsIn(each)...)
		}
	}
	return out
}

// Receipts of real requests of every kind and end pass: nothing in them contradicts itself. What
// version 0.4.0 did not record cannot be checked, and is said.
func TestVerify_RecordedReceipts(t *testing.T) {
	t.Parallel()
	all := recordedReceipts(t)
	require.Greater(t, len(all), 60)
	states := map[string]bool{}
	for file, r := range all {
		states[r.State] = true
		checks, err := receipt.Verify(r, receipt.Means{})
		require.NoError(t, err)
		for _, c := range checks {
			require.NotEqual(t, signing.Failed, c.Result, "%s: %s: %s", file, c.Name, c.Detail)
		}
	}
	require.Len(t, states, 11, "%v", states)
}
