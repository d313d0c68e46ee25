package codec_test

import (
	"crypto/aes"
	"crypto/cipher"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"

	"sentinelone-provisioner/internal/codec"
)

// sealed is a payload that is encrypted by hand, with the key of [keyLine]'s letter 'a'.
func sealed(t *testing.T, plain []byte, metadata map[string]string) *commonpb.Payload {
	t.Helper()
	block, err := aes.NewCipher([]byte(strings.Repeat("a", 32)))
	require.NoError(t, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(t, err)
	nonce := make([]byte, aead.NonceSize())
	out := &commonpb.Payload{
		Metadata: map[string][]byte{"encoding": []byte("binary/encrypted"), "encryption-key-id": []byte("k1")},
		Data:     aead.Seal(nonce, nonce, plain, nil),
	}
	for k, v := range metadata {
		out.Metadata[k] = []byte(v)
	}
	return out
}

func decodeOne(t *testing.T, p *commonpb.Payload) (*commonpb.Payload, error) {
	t.Helper()
	out, err := codec.New(mustKeys(t, keyLine("k1", 'a'))).Decode([]*commonpb.Payload{p})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// With keys a large payload is compressed before it is encrypted: afterwards nothing could shorten it.
func TestCodec_Compresses(t *testing.T) {
	t.Parallel()
	in := payload(strings.Repeat(`{"roleId":"1535334414585508710","scopeId":"1535334414585508711"},`, 2000))
	out := encode(t, mustKeys(t, keyLine("k1", 'a')), in)
	require.Less(t, len(out[0].GetData()), len(in.GetData())/20)
	back, err := decodeOne(t, out[0])
	require.NoError(t, err)
	require.True(t, proto.Equal(in, back))
	require.Same(t, in, encode(t, nil, in)[0], "without keys payloads stay as they are")
}

// Payloads of earlier versions are encrypted only.
func TestCodec_DecodesWhatIsNotCompressed(t *testing.T) {
	t.Parallel()
	in := payload(strings.Repeat("a role ", 1000))
	plain, err := proto.Marshal(in)
	require.NoError(t, err)
	back, err := decodeOne(t, sealed(t, plain, nil))
	require.NoError(t, err)
	require.True(t, proto.Equal(in, back))
}

// What decompresses to more than any worker writes, is damaged or is compressed otherwise is an error, not a crash.
func TestCodec_RefusesToDecompress(t *testing.T) {
	t.Parallel()
	enc, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	bomb := enc.EncodeAll(make([]byte, 65<<20), nil)
	require.Less(t, len(bomb), 1<<20)
	for want, c := range map[string]struct {
		plain []byte
		how   string
	}{
		"larger than any":        {bomb, "zstd"},
		"decompress payload":     {[]byte("no zstd"), "zstd"},
		"compressed with \"br\"": {[]byte("text"), "br"},
	} {
		_, err := decodeOne(t, sealed(t, c.plain, map[string]string{"compression": c.how}))
		require.ErrorContains(t, err, want)
	}
}
