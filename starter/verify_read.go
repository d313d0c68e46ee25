package main

import (
	"fmt"
	"io"
	"os"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
)

// mostReceipt bounds what is read, in bytes.
const mostReceipt = 64 << 20

// readReceipt reads a file with a receipt; - is standard input.
func readReceipt(path string, stdin io.Reader) (access.Receipt, error) {
	in := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return access.Receipt{}, err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, mostReceipt+1))
	switch {
	case err != nil:
		return access.Receipt{}, fmt.Errorf("read %s: %w", path, err)
	case len(text) > mostReceipt:
		return access.Receipt{}, fmt.Errorf("%s is above %d MiB: not a receipt", path, mostReceipt>>20)
	}
	r, err := signing.ParseReceipt(text)
	if err != nil {
		return r, fmt.Errorf("%s is not a receipt: %w", path, err)
	}
	return r, nil
}
