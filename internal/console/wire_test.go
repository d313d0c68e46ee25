package console

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// wireValues has one field of each tolerant type.
type wireValues struct {
	ID    id    `json:"id"`
	Text  text  `json:"text"`
	Count count `json:"count"`
	Stamp stamp `json:"stamp"`
}

func TestWireValues(t *testing.T) {
	t.Parallel()
	stampOf := func(text string) stamp { return stamp{value: at(text)} }
	for body, want := range map[string]wireValues{
		`{"id":null,"text":null,"count":null,"stamp":null}`: {},
		`{"id":"0012","text":"a b"}`:                        {ID: "0012", Text: "a b"},
		`{"id":18446744073709551617}`:                       {ID: "18446744073709551617"},
		`{"text":-1.50e+3}`:                                 {Text: "-1.50e+3"},
		`{"text":"\u00c5s \"B\" \ud83d\ude00\/"}`:           {Text: `Ås "B" 😀/`},
		"{\"text\":\"Ås \xff\"}":                            {Text: "Ås \ufffd"},
		`{"id":"\u0031\u0032"}`:                             {ID: "12"},
		`{"count":0}`:                                       {Count: count{value: new(0)}},
		`{"count":-1}`:                                      {},
		`{"count":1.5}`:                                     {},
		`{"count":"580"}`:                                   {Count: count{value: new(580)}},
		`{"count":580.0}`:                                   {Count: count{value: new(580)}},
		`{"count":"580.00"}`:                                {Count: count{value: new(580)}},
		`{"count":"\u0035\u0038\u0030"}`:                    {Count: count{value: new(580)}},
		`{"count":""}`:                                      {},
		`{"count":"many"}`:                                  {},
		`{"count":"1.5"}`:                                   {},
		`{"count":"7."}`:                                    {},
		`{"count":".0"}`:                                    {},
		`{"count":"+7"}`:                                    {},
		`{"count":"-7"}`:                                    {},
		`{"count":" 7"}`:                                    {},
		`{"count":"7.0.0"}`:                                 {},
		`{"count":-7.0}`:                                    {},
		`{"count":true}`:                                    {},
		`{"count":[7]}`:                                     {},
		`{"count":"99999999999999999999"}`:                  {},
		`{"count":99999999999999999999}`:                    {},
		`{"count":{"a":1}}`:                                 {},
		`{"stamp":"2025-10-30T23:42:15Z"}`:                  {Stamp: stampOf("2025-10-30T23:42:15Z")},
		`{"stamp":"2025-10-30T23:42:15.1234567+02:00"}`:     {Stamp: stampOf("2025-10-30T21:42:15.1234567Z")},
		`{"stamp":"\u0032025-10-30T23:42:15Z"}`:             {Stamp: stampOf("2025-10-30T23:42:15Z")},
		`{"stamp":"2025-10-30"}`:                            {},
		`{"stamp":""}`:                                      {},
		`{"stamp":1761867735}`:                              {},
		`{"stamp":["2025-10-30T23:42:15Z"]}`:                {},
	} {
		var got wireValues
		require.NoError(t, json.Unmarshal([]byte(body), &got), body)
		require.Equal(t, want, got, body)
		// A null takes back what stood there, so that a value never outlives its row.
		require.NoError(t, json.Unmarshal([]byte(`{"id":null,"text":null,"count":null,"stamp":null}`), &got))
		require.Equal(t, wireValues{}, got)
	}
}

func TestWireValues_AreUTC(t *testing.T) {
	t.Parallel()
	var s stamp
	require.NoError(t, json.Unmarshal([]byte(`"2025-10-30T23:42:15+02:00"`), &s))
	require.Equal(t, time.UTC, s.value.Location())
}
