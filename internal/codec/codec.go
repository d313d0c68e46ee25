package codec

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// Metadata of an encrypted payload: its encoding, the id of its key, and how the text was compressed before.
// Payloads of versions up to 0.5.0, and short ones, are not compressed.
const (
	encodingEncrypted   = "binary/encrypted"
	metadataKeyID       = "encryption-key-id"
	metadataCompression = "compression"
	compressionZstd     = "zstd"
)

// DataConverter returns the data converter for every client and worker: JSON, then the
// codec.
func DataConverter(keys Keys) converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), New(keys))
}

// New returns a codec that encrypts with the first key (AES-256-GCM) and decrypts with
// any; without keys it passes payloads on. Decoding fails with an [UndecodableError] for a
// payload whose key it does not have.
func New(keys Keys) converter.PayloadCodec { return &codec{keys: keys} }

type codec struct{ keys Keys }

// Encode implements converter.PayloadCodec.
func (c *codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if len(c.keys) == 0 {
		return payloads, nil
	}
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		sealed, err := seal(c.keys[0], p)
		if err != nil {
			return nil, err
		}
		out[i] = sealed
	}
	return out, nil
}

// Decode implements converter.PayloadCodec. It passes on payloads that are not
// encrypted, such as older histories and input from the temporal CLI.
func (c *codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != encodingEncrypted {
			out[i] = p
			continue
		}
		id := string(p.GetMetadata()[metadataKeyID])
		key, err := c.keys.find(id)
		if err == nil {
			out[i], err = open(key, p)
		}
		if err != nil {
			return nil, &UndecodableError{KeyID: id, Err: err}
		}
	}
	return out, nil
}

func seal(key Key, p *commonpb.Payload) (*commonpb.Payload, error) {
	plain, err := proto.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode payload: %w", err)
	}
	aead, err := key.aead()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("nonce: %w", err)
	}
	metadata := map[string][]byte{
		converter.MetadataEncoding: []byte(encodingEncrypted),
		metadataKeyID:              []byte(key.ID),
	}
	packed, err := compress(plain)
	if err != nil {
		return nil, err
	}
	if packed != nil {
		plain, metadata[metadataCompression] = packed, []byte(compressionZstd)
	}
	return &commonpb.Payload{Metadata: metadata, Data: aead.Seal(nonce, nonce, plain, nil)}, nil
}

func open(key Key, p *commonpb.Payload) (*commonpb.Payload, error) {
	aead, err := key.aead()
	if err != nil {
		return nil, err
	}
	if len(p.GetData()) < aead.NonceSize() {
		return nil, errors.New("encrypted payload is damaged: it is shorter than its nonce")
	}
	nonce, sealed := p.GetData()[:aead.NonceSize()], p.GetData()[aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, sealed, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot decrypt a payload with key %q, check this key in PAYLOAD_KEYS_FILE: %w",
			key.ID, err)
	}
	switch how := string(p.GetMetadata()[metadataCompression]); how {
	case "":
	case compressionZstd:
		if plain, err = decompress(plain); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("a payload is compressed with %q: use a version that knows it", how)
	}
	out := new(commonpb.Payload)
	if err := proto.Unmarshal(plain, out); err != nil {
		return nil, fmt.Errorf("decode payload: %w", err)
	}
	return out, nil
}

func (k Key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.reveal())
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", k.ID, err)
	}
	return cipher.NewGCM(block)
}

// KeyOf returns the id of the key that has encrypted a payload; false if none has.
func KeyOf(p *commonpb.Payload) (id string, encrypted bool) {
	if string(p.GetMetadata()[converter.MetadataEncoding]) != encodingEncrypted {
		return "", false
	}
	return string(p.GetMetadata()[metadataKeyID]), true
}
