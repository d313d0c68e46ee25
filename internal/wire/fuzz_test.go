package wire_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/wire"
)

var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// payloads are what workflows and updates take from outside.
func payloads() []any {
	return []any{
		new(wire.GrantInput), new(wire.RevokeInput), new(wire.ProvisionUserInput),
		new(wire.ProvisionServiceUserInput), new(wire.OffboardInput), new(wire.DelegationInput),
		new(wire.DecisionInput), new(wire.StopInput), new(wire.ExtendInput), new(wire.SyncInput),
		new(wire.ChangeRequest), new(wire.WriterStart),
	}
}

// Whatever the bytes are, decoding ends with a payload or an error, and validating with a
// verdict. What was decoded is encoded and decoded to the same.
func FuzzPayloads(f *testing.F) {
	for _, text := range []string{
		`{"principal":{"kind":"user","id":"1"},"role":{"name":"SOC"},"scope":{"level":"site","id":"2"},` +
			`"requester":"bob@example.com","reason":"INC-42","duration":"4h","startAt":"2026-03-03T14:05:00Z"}`,
		`{"by":"carol@example.com","comment":"fine","duration":"2h","planHash":"00","signature":"x"}`,
		`{"by":"carol@example.com","to":"dave@example.com","until":"2026-03-03T14:05:00Z"}`,
		`{"key":"grant/1#run/acquire","request":"grant/1","change":{"op":"acquire","lease":{"id":"grant/1#run"}}}`,
		`{"console":"acmeco.sentinelone.net","kind":"user","id":"1"}`, `{`, `null`, `[]`, `{"unknown":1}`, "\x00",
	} {
		for i := range payloads() {
			f.Add(i, []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, which int, text []byte) {
		all := payloads()
		in := all[(which%len(all)+len(all))%len(all)]
		if json.Unmarshal(text, in) != nil {
			return
		}
		if v, ok := in.(interface{ Validate() error }); ok {
			_ = v.Validate()
		}
		if v, ok := in.(interface{ Validate(now time.Time) error }); ok {
			_ = v.Validate(noon)
		}
		if v, ok := in.(interface{ Limits() error }); ok {
			_ = v.Limits()
		}
		once, err := json.Marshal(in)
		if err != nil {
			return // such as a year beyond 9999, which can be read and not written
		}
		again := reflect.New(reflect.TypeOf(in).Elem()).Interface()
		require.NoError(t, json.Unmarshal(once, again), "%s", once)
		twice, err := json.Marshal(again)
		require.NoError(t, err)
		require.Equal(t, string(once), string(twice))
	})
}
