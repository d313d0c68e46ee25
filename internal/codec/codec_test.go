package codec_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"sentinelone-provisioner/internal/codec"
)

// keyLine returns a line of the keys file; each letter makes another key.
func keyLine(id string, letter byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(letter), 32)))
}

func readKeys(t *testing.T, lines ...string) (codec.Keys, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600))
	return codec.ReadKeys(path)
}

func mustKeys(t *testing.T, lines ...string) codec.Keys {
	t.Helper()
	keys, err := readKeys(t, lines...)
	require.NoError(t, err)
	return keys
}

func payload(text string) *commonpb.Payload {
	return &commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte("json/plain"), "other": []byte("kept")},
		Data:     []byte(text),
	}
}

func encode(t *testing.T, keys codec.Keys, p ...*commonpb.Payload) []*commonpb.Payload {
	t.Helper()
	out, err := codec.New(keys).Encode(p)
	require.NoError(t, err)
	require.Len(t, out, len(p))
	return out
}

// Without keys the codec changes nothing.
func TestCodec_WithoutKeys(t *testing.T) {
	t.Parallel()
	in := payload(`"ana@example.com"`)
	out := encode(t, nil, in)
	require.Same(t, in, out[0])
	back, err := codec.New(nil).Decode(out)
	require.NoError(t, err)
	require.Same(t, in, back[0])
}

// With keys nothing of the payload is readable, decoding restores it, and encoding the
// same text twice gives different bytes.
func TestCodec_RoundTrip(t *testing.T) {
	t.Parallel()
	keys := mustKeys(t, keyLine("k1", 'a'))
	in := payload(`{"by":"ana@example.com"}`)
	before := proto.Clone(in)
	out := encode(t, keys, in, in)
	require.True(t, proto.Equal(before, in), "the caller's payload stays unchanged")
	for _, p := range out {
		require.NotContains(t, p.String(), "example.com")
		require.Equal(t, "binary/encrypted", string(p.GetMetadata()[converter.MetadataEncoding]))
		require.Equal(t, "k1", string(p.GetMetadata()["encryption-key-id"]))
	}
	require.NotEqual(t, out[0].GetData(), out[1].GetData())
	back, err := codec.New(keys).Decode(out)
	require.NoError(t, err)
	for _, p := range back {
		require.True(t, proto.Equal(in, p))
	}
}

// A new key goes first; payloads of the old key and unencrypted ones still decode.
func TestCodec_KeyRotation(t *testing.T) {
	t.Parallel()
	old := mustKeys(t, keyLine("2026", 'a'))
	both := mustKeys(t, "# rotated in January", "", keyLine("2027", 'b'), keyLine("2026", 'a'))
	plain := payload("1")
	mixed := []*commonpb.Payload{encode(t, old, plain)[0], encode(t, both, plain)[0], plain}
	require.Equal(t, "2027", string(mixed[1].GetMetadata()["encryption-key-id"]))
	back, err := codec.New(both).Decode(mixed)
	require.NoError(t, err)
	for _, p := range back {
		require.True(t, proto.Equal(plain, p))
	}
	_, err = codec.New(old).Decode(mixed[1:])
	require.EqualError(t, err, `payload is encrypted with key "2027", which is not in PAYLOAD_KEYS_FILE: add that key`)
	_, err = codec.New(nil).Decode(mixed)
	require.ErrorContains(t, err, `key "2026"`)
}

// A payload that was modified, or encrypted with another key of the same id, is an error
// and never wrong data.
func TestCodec_RejectsModifiedPayload(t *testing.T) {
	t.Parallel()
	keys := mustKeys(t, keyLine("k1", 'a'))
	sealed := func(change func(*commonpb.Payload)) []*commonpb.Payload {
		p := encode(t, keys, payload("1"))
		change(p[0])
		return p
	}
	cases := map[string]struct {
		in   []*commonpb.Payload
		want string
	}{
		"a bit": {
			sealed(func(p *commonpb.Payload) { p.Data[len(p.Data)-1] ^= 1 }), `cannot decrypt a payload with key "k1"`,
		},
		"short": {sealed(func(p *commonpb.Payload) { p.Data = p.Data[:5] }), "shorter than its nonce"},
		"other key of that id": {
			encode(t, mustKeys(t, keyLine("k1", 'z')), payload("1")), `cannot decrypt a payload with key "k1"`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := codec.New(keys).Decode(c.in)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// The data converter restores values, with and without keys.
func TestDataConverter(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]codec.Keys{"plain": nil, "encrypted": mustKeys(t, keyLine("k1", 'a'))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dc := codec.DataConverter(keys)
			p, err := dc.ToPayload(map[string]int{"pages": 3})
			require.NoError(t, err)
			require.Equal(t, keys == nil, strings.Contains(string(p.GetData()), "pages"))
			var got map[string]int
			require.NoError(t, dc.FromPayload(p, &got))
			require.Equal(t, map[string]int{"pages": 3}, got)
		})
	}
}

// A fault in the file names its line, never its content.
func TestReadKeys_Faults(t *testing.T) {
	t.Parallel()
	short := base64.StdEncoding.EncodeToString([]byte("CANARYCANARY"))
	cases := map[string]struct {
		lines []string
		want  string
	}{
		"short key": {[]string{keyLine("k1", 'a'), "k2:" + short}, "line 2 is malformed: write id:base64 of 32 bytes"},
		"no id":     {[]string{keyLine("", 'a')}, "line 1 is malformed"},
		"no colon":  {[]string{"# keys", "", short}, "line 3 is malformed"},
		"no base64": {[]string{"k1:CANARY!"}, "line 1 is malformed"},
		"nothing":   {[]string{"# keys", " "}, "contains no key"},
		"only lost": {[]string{"k1:lost"}, "contains no key"},
		"repeated": {
			[]string{keyLine("k1", 'a'), "#", keyLine("k1", 'b')},
			"line 3 repeats the id of line 1: give each key an id of its own",
		},
		"invisible": {
			[]string{keyLine("k1", 'a'), keyLine("\u200bk2", 'b')},
			"line 2: its id contains U+200B, which prints nothing: type the line again; if payloads were encrypted " +
				"under this id (`starter keys status`), keep the old version until none needs it",
		},
		"mark":    {[]string{keyLine("k1", 'a'), keyLine("\ufeffk2", 'b')}, "line 2: its id contains U+FEFF"},
		"no text": {[]string{keyLine("k\xff", 'a')}, "line 1: its id contains U+FFFD"},

		"repeated as lost": {[]string{keyLine("k1", 'a'), "k1:lost"}, "line 2 repeats the id of line 1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readKeys(t, c.lines...)
			require.ErrorContains(t, err, "PAYLOAD_KEYS_FILE: ")
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "CANARY")
			require.NotContains(t, err.Error(), short)
		})
	}
}

// The mark with which some editors begin a file is no part of the first id, and neither is the end of
// a line of Windows.
func TestReadKeys_ByteOrderMark(t *testing.T) {
	t.Parallel()
	keys := mustKeys(t, "\ufeff"+keyLine("k1", 'a')+"\r", keyLine("k2", 'b')+"\r")
	require.Equal(t, []string{"k1", "k2"}, []string{keys[0].ID, keys[1].ID})
	back, err := codec.New(keys).Decode(encode(t, mustKeys(t, keyLine("k1", 'a')), payload("1")))
	require.NoError(t, err)
	require.True(t, proto.Equal(payload("1"), back[0]))
}

// A key that is lost is named, and is no key.
func TestReadKeyFile_Lost(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(path, []byte("k1: lost\n"+keyLine("k2", 'b')+"\n"), 0o600))
	file, err := codec.ReadKeyFile(path)
	require.NoError(t, err)
	require.Equal(t, []string{"k1"}, file.Lost)
	require.Len(t, file.Keys, 1)
	require.Equal(t, "k2", file.Keys[0].ID)
}

// A canary is known by its key and by no other, of whatever id, and tells nothing about it.
func TestKey_Canary(t *testing.T) {
	t.Parallel()
	key := mustKeys(t, keyLine("k1", 'C'))[0]
	canary, err := key.Canary()
	require.NoError(t, err)
	require.True(t, key.Opens(canary))
	require.False(t, mustKeys(t, keyLine("k1", 'D'))[0].Opens(canary))
	require.NotContains(t, string(canary), "CCCC")
	again, err := key.Canary()
	require.NoError(t, err)
	require.NotEqual(t, canary, again)
	for _, broken := range [][]byte{nil, {1}, canary[:len(canary)-1]} {
		require.False(t, key.Opens(broken))
	}
}

func TestReadKeys_NoPathAndNoFile(t *testing.T) {
	t.Parallel()
	keys, err := codec.ReadKeys("")
	require.NoError(t, err)
	require.Empty(t, keys)
	_, err = codec.ReadKeys(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "PAYLOAD_KEYS_FILE")
}

// No way of printing keys prints their bytes.
func TestKeys_NeverPrint(t *testing.T) {
	t.Parallel()
	keys := mustKeys(t, keyLine("k1", 'C'))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, value := range []any{keys, keys[0], &keys[0], struct{ keys codec.Keys }{keys}, codec.New(keys)} {
			text := fmt.Sprintf(verb, value)
			for _, secret := range []string{"CCCC", "67 67", "43434343", "0x43"} {
				require.NotContains(t, text, secret, verb)
			}
		}
	}
}
