package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/signing"
)

// mostReceipt bounds what is read, in bytes.
const mostReceipt = 64 << 20

// readReceipt reads a file with a receipt; - is standard input. What is no file is the id of a
// request, whose receipt is in the database.
func (c *verifyCommand) readReceipt(
	ctx context.Context, path string, stdin io.Reader,
) (r access.Receipt, stored bool, err error) {
	r, err = readReceiptFile(path, stdin)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, false, err
	}
	id := strings.TrimSpace(path)
	kept := c.requestRecord(ctx, nil, c.console, requestclient.Candidates(id, requestclient.Prefixes()...)...)
	switch {
	case len(kept.Others) > 0:
		return r, false, usage("%q is the id of several requests: pass %s or %s",
			id, kept.ID, strings.Join(kept.Others, " or "))
	case kept.Receipt != nil:
		return *kept.Receipt, true, nil
	case kept.Known():
		return r, false, fmt.Errorf("%s has not ended, so it has no receipt yet: see `starter show %s`",
			kept.ID, kept.ID)
	}
	return r, false, fmt.Errorf(
		"%w, and the database has no request of that id: give a file, or an id of `starter requests`", err)
}

func readReceiptFile(path string, stdin io.Reader) (access.Receipt, error) {
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
