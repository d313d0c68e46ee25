package ledger_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/ledger"
)

// What this version does not know is refused, and the error says which entry it is and
// what to do.
func TestDecode_Refuses(t *testing.T) {
	t.Parallel()
	const doubt = "use the version that wrote the entry, or a newer one; if that does not help, " +
		"run `starter ledger verify`"
	for name, c := range map[string]struct {
		kind       ledger.Kind
		body, want string
	}{
		"an unknown kind": {
			"oracle", `{}`,
			`entry 7 of the ledger (kind "oracle", key "k") cannot be read: this version does not know the kind: ` +
				`use the version that wrote the entry, or a newer one`,
		},
		"no kind": {"", `{}`, "entry 7 of the ledger (without a kind, key \"k\") cannot be read: "},
		"an unknown field": {
			ledger.KindCancelled, `{"change":"x","by":"bob"}`,
			`entry 7 of the ledger (kind "cancelled", key "k") cannot be read: json: unknown field "by": ` + doubt,
		},
		"an unknown field within": {ledger.KindDecision, `{"decision":{"vote":"yes"}}`, `unknown field "vote"`},
		"a wrong type":            {ledger.KindCancelled, `{"change":1}`, "cannot unmarshal number"},
		"something behind":        {ledger.KindCancelled, `{"change":"x"}{}`, "something follows the body: " + doubt},
		"an open end":             {ledger.KindCancelled, `{"change":"x"`, "unexpected EOF"},
		"nothing":                 {ledger.KindCancelled, ``, "the body is not a JSON object"},
		"null":                    {ledger.KindRequest, `null`, "the body is not a JSON object"},
		"a list":                  {ledger.KindRequest, `[]`, "the body is not a JSON object"},
		"bytes":                   {ledger.KindRequest, "\x00\xff", "the body is not a JSON object"},
		"a bad duration":          {ledger.KindExtension, `{"extension":{"duration":"soon"}}`, `"soon"`},
		"neither roles nor account": {
			ledger.KindWrite, `{"write":{}}`, `it must hold either "roles" or "account"`,
		},
		"roles and account": {
			ledger.KindProof, `{"roles":{},"account":{}}`, `it must hold either "roles" or "account"`,
		},
		"an unknown result": {ledger.KindNotification, `{"result":"lost"}`, `"lost" is not a result of a delivery`},
	} {
		e := ledger.Entry{Seq: 7, Kind: c.kind, Key: "k", Body: json.RawMessage(c.body)}
		_, err := ledger.Decode(e)
		require.ErrorContains(t, err, c.want, name)
		var failed *ledger.DecodeError
		require.ErrorAs(t, err, &failed, name)
		require.Equal(t, int64(7), failed.Seq, name)
	}
}

// A body is read as what its entry's kind says, and as nothing else.
func TestDecodeAs(t *testing.T) {
	t.Parallel()
	e := entryOf(t, ledger.Cancelled{Change: "x"})
	got, err := ledger.DecodeAs[ledger.Cancelled](e)
	require.NoError(t, err)
	require.Equal(t, ledger.Cancelled{Change: "x"}, got)
	_, err = ledger.DecodeAs[ledger.Receipt](e)
	require.EqualError(t, err, `entry 1 of the ledger (kind "cancelled", key "grant/INC-42#run/acquire/cancelled") `+
		`cannot be read: an entry of kind "receipt" is expected under this key: run `+"`starter ledger verify`"+
		`, and report it if the ledger is whole`)
}

// Whatever the bytes are, decoding ends with a body or an error; a body that decodes is
// encoded and decoded to the same.
func FuzzDecode(f *testing.F) {
	for _, body := range bodies() {
		text, err := ledger.Encode(body)
		require.NoError(f, err)
		f.Add(string(body.Kind()), []byte(text))
	}
	f.Add("oracle", []byte(`{}`))
	f.Add("request", []byte(`{"plan":null,"signature":{}}`))
	f.Add("proof", []byte(`{"proof":{"reads":[{}]},"roles":{"next":{"leases":[{"for":"1h"}]}}}`))
	f.Fuzz(func(t *testing.T, kind string, text []byte) {
		body, err := ledger.Decode(ledger.Entry{Seq: 1, Kind: ledger.Kind(kind), Key: "k", Body: text})
		if err != nil {
			require.Nil(t, body)
			return
		}
		once, err := ledger.Encode(body)
		if err != nil {
			return // such as a year beyond 9999, which can be read and not written
		}
		again, err := ledger.Decode(ledger.Entry{Seq: 1, Kind: body.Kind(), Key: "k", Body: once})
		require.NoError(t, err)
		twice, err := ledger.Encode(again)
		require.NoError(t, err)
		require.Equal(t, string(once), string(twice))
	})
}
