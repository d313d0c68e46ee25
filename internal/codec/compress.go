package codec

import (
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// maxPayload is the largest payload that is decompressed, in bytes. Temporal takes none over 2 MB, and gRPC none over
// 4 MB, but what is compressed may have been larger.
const maxPayload = 64 << 20

// worthwhile is the size, in bytes, from which payloads are compressed: smaller ones hardly shrink.
const worthwhile = 512

// encoder and decoder serve all payloads, also concurrently.
var (
	encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	})
	decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxPayload), zstd.WithDecoderConcurrency(0))
	})
)

// compress returns the compressed text; nil where that would not be shorter.
func compress(plain []byte) ([]byte, error) {
	if len(plain) < worthwhile {
		return nil, nil
	}
	enc, err := encoder()
	if err != nil {
		return nil, fmt.Errorf("compress payload: %w", err)
	}
	out := enc.EncodeAll(plain, nil)
	if len(out) >= len(plain) {
		return nil, nil
	}
	return out, nil
}

// errTooLarge says that a payload is larger than any that was compressed.
var errTooLarge = errors.New("a compressed payload is larger than any that a worker writes")

// decompress undoes compress.
func decompress(packed []byte) ([]byte, error) {
	dec, err := decoder()
	if err != nil {
		return nil, fmt.Errorf("decompress payload: %w", err)
	}
	out, err := dec.DecodeAll(packed, nil)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, errTooLarge
	case err != nil:
		return nil, fmt.Errorf("decompress payload: %w", err)
	}
	return out, nil
}
