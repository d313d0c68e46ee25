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
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/textfile"
)

// mostReceipt bounds what is read, in bytes.
const mostReceipt = 64 << 20

// readReceipt reads a file with a receipt; - is standard input. What is no file is the id of a
// request, whose receipt is in the database: entry is then the ledger's.
func (c *verifyCommand) readReceipt(
	ctx context.Context, path string, stdin io.Reader,
) (r access.Receipt, entry *ledger.Entry, err error) {
	if strings.TrimSpace(path) == "" {
		return r, nil, usage("RECEIPT is blank: pass a file with a receipt, or the id of a request")
	}
	r, err = readReceiptFile(path, stdin)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, nil, err
	}
	id := strings.TrimSpace(path)
	kept := c.requestRecord(ctx, nil, c.console, requestclient.Candidates(id, requestclient.Prefixes()...)...)
	switch {
	case len(kept.Others) > 0:
		return r, nil, usage("%q is the id of several requests: pass %s or %s",
			id, kept.ID, strings.Join(kept.Others, " or "))
	case kept.Receipt != nil:
		entry, err := c.entryOf(ctx, *kept.Receipt)
		return *kept.Receipt, entry, err
	case kept.Known():
		return r, nil, fmt.Errorf("%s has not ended, so it has no receipt yet: see `starter show %s`",
			kept.ID, kept.ID)
	}
	return r, nil, fmt.Errorf(
		"%w, and the database has no request of that id: give a file, or an id of `starter requests`", err)
}

// entryOf finds the ledger's entry of a receipt that was read from it.
func (c *verifyCommand) entryOf(ctx context.Context, r access.Receipt) (*ledger.Entry, error) {
	db, host, err := c.openLedger(ctx, c.console)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	entries, err := db.LedgerOf(ctx, host, r.Request)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Kind == ledger.KindReceipt && ledger.RunOf(e).ID == r.Run {
			return &e, nil
		}
	}
	return nil, fmt.Errorf("the ledger has no receipt of run %s of %s any more: run `starter ledger verify`",
		r.Run, r.Request)
}

// trusted are the keys whose seals count in the console's ledger, because one of them does.
func (c *verifyCommand) trusted(ctx context.Context, key ledger.SealPublic) (*ledger.Keyring, error) {
	db, host, err := c.openLedger(ctx, c.console)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	return db.LedgerKeyring(ctx, host, key)
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
		return access.Receipt{}, fmt.Errorf("cannot read the receipt: %w", err)
	case len(text) > mostReceipt:
		return access.Receipt{}, fmt.Errorf("%s is above %d MiB: not a receipt", path, mostReceipt>>20)
	}
	if text, err = textfile.UTF8(text); err != nil {
		return access.Receipt{}, fmt.Errorf("%s: %w", path, err)
	}
	r, err := signing.ParseReceipt(text)
	if err != nil {
		return r, fmt.Errorf("%s is not a receipt: %w", path, err)
	}
	return r, nil
}
