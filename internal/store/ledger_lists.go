package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// ErrNoList says that a list of roles that the ledger names by its digest is not in the store, or
// not as it was.
var ErrNoList = errors.New("a list of roles is not in the store as it was")

// maxList is the longest list that is read, in bytes: some 700,000 roles.
const maxList = 64 << 20

// longLists are the lists that the JSON of a body leaves out, compressed, by digest.
func longLists(b ledger.Body) (map[string][]byte, error) {
	var out map[string][]byte
	var fault error
	ledger.Lists(b, func(h access.Holdings) {
		if !h.IsLong() || fault != nil {
			return
		}
		digest := h.ListDigest()
		if _, known := out[digest]; known {
			return
		}
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, err := w.Write(h.List())
		if fault = errors.Join(err, w.Close()); fault != nil {
			return
		}
		if out == nil {
			out = map[string][]byte{}
		}
		out[digest] = packed.Bytes()
	})
	return out, fault
}

// insertLists writes the lists that entries leave out, before the entries.
func insertLists(ctx context.Context, tx *sql.Tx, console string, lists map[string][]byte) error {
	for _, digest := range slices.Sorted(maps.Keys(lists)) {
		_, err := exec(ctx, tx, "write a list of roles",
			`INSERT INTO role_lists (console, digest, list) VALUES ($1, $2, $3)
				ON CONFLICT (console, digest) DO NOTHING`,
			console, digest, lists[digest])
		if err != nil {
			return err
		}
	}
	return nil
}

// Listing is a value that has lists of roles, such as [access.Plan].
type Listing interface {
	// Lists calls do with each of them.
	Lists(do func(*access.Holdings))
}

// LoadLists brings back the lists that entries of a console's ledger have left out, in place. It
// reads each list once, and none where nothing was left out. A list that is missing, or whose text
// has another digest, is [ErrNoList]: all others are brought back all the same.
func (s *Store) LoadLists(ctx context.Context, console string, in ...Listing) error {
	wanted := map[string]*access.Holdings{}
	each := func(do func(*access.Holdings)) {
		for _, x := range in {
			x.Lists(do)
		}
	}
	each(func(h *access.Holdings) {
		if h.IsBrief() {
			wanted[h.Digest] = nil
		}
	})
	if len(wanted) == 0 {
		return nil
	}
	found, err := readLists(ctx, s.d, s.r, console, slices.Sorted(maps.Keys(wanted)))
	if err != nil {
		return err
	}
	var faults []error
	for _, digest := range slices.Sorted(maps.Keys(wanted)) {
		whole, err := access.Holdings{Digest: digest}.WithList(found[digest])
		if err != nil {
			faults = append(faults, fmt.Errorf("%w: list %.12s of %s: run `starter ledger verify`, and restore table "+
				"role_lists from a backup", ErrNoList, digest, console))
			continue
		}
		wanted[digest] = &whole
	}
	each(func(h *access.Holdings) {
		if whole := wanted[h.Digest]; h.IsBrief() && whole != nil {
			*h = *whole
		}
	})
	return errors.Join(faults...)
}

// readLists reads the lists of those digests, as far as they are there.
func readLists(
	ctx context.Context, d dialect, q queryer, console string, digests []string,
) (map[string][]byte, error) {
	out := map[string][]byte{}
	statement := "SELECT digest, list FROM role_lists WHERE console = $1 AND " + d.in("digest", "$2")
	args := []any{console, list(d, digests)}
	err := forEachRow(ctx, q, "read lists of roles", statement, args, func(rows *sql.Rows) error {
		var digest string
		var packed []byte
		if err := rows.Scan(&digest, &packed); err != nil {
			return err
		}
		out[digest] = unpackList(packed)
		return nil
	})
	return out, err
}

// namedLists are the lists that entries name by their digest, each with the first entry that does.
type namedLists map[string]namedList

type namedList struct {
	seq   int64
	roles int
}

func (n namedLists) add(e ledger.Entry) {
	if !bytes.Contains(e.Body, []byte(`"digest":`)) {
		return
	}
	body, err := ledger.Decode(e)
	if err != nil {
		return // the verifier says so
	}
	ledger.Lists(body, func(h access.Holdings) {
		if _, known := n[h.Digest]; h.IsBrief() && !known {
			n[h.Digest] = namedList{e.Seq, h.Len()}
		}
	})
}

// listsAtOnce is how many lists are verified at a time, to bound the memory.
const listsAtOnce = 20

// verify returns a fault for each list that is not in the store as it was.
func (n namedLists) verify(ctx context.Context, d dialect, q queryer, console string) ([]ledger.Fault, error) {
	var out []ledger.Fault
	for some := range slices.Chunk(slices.Sorted(maps.Keys(n)), listsAtOnce) {
		found, err := readLists(ctx, d, q, console, some)
		if err != nil {
			return nil, err
		}
		for _, digest := range some {
			if _, err := (access.Holdings{Digest: digest}).WithList(found[digest]); err != nil {
				out = append(out, ledger.Fault{Seq: n[digest].seq, Text: fmt.Sprintf(
					"it names a list of %d roles (%.12s) that is not in table role_lists as it was: restore the table "+
						"from a backup", n[digest].roles, digest)})
			}
		}
	}
	return out, nil
}

// unpackList is nil for what is no list: its digest is another then.
func unpackList(packed []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(r, maxList))
	if err != nil {
		return nil
	}
	return text
}
