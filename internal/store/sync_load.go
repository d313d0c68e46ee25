package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// loadChunk is the number of entities that one transaction loads: a page of the console's
// size. A larger page is split so that it does not block other writers for long.
const loadChunk = 1000

// LoadPage turns the oldest saved page of the attempt into rows and deletes it. It works
// in transactions of at most 1,000 entities, each of which may be repeated, so the next
// call finishes a load that was killed. It returns false if no page is saved. It is
// [ErrStale] if another attempt is under way, [ErrDecided] if the snapshot has ended and
// [ErrNoSnapshot] if it is unknown or does not cover the collection.
func (s *Store) LoadPage(ctx context.Context, id string, c access.Collection, attempt int) (bool, error) {
	page, found, err := s.oldestPage(ctx, id, c, attempt)
	if err != nil || !found {
		return false, err
	}
	rows, err := s.pageRows(ctx, pageKey{id, c, attempt, page})
	if errors.Is(err, errPageLoaded) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	chunks := slices.Collect(slices.Chunk(rows, loadChunk))
	if len(chunks) == 0 {
		chunks = [][]row{nil}
	}
	for i, chunk := range chunks {
		l := pageLoad{s: s, c: c, page: page, last: i == len(chunks)-1, assumeNew: true}
		err := l.transact(ctx, id, attempt, chunk)
		if isUniqueViolation(err) {
			l.assumeNew = false
			err = l.transact(ctx, id, attempt, chunk)
		}
		if errors.Is(err, errPageLoaded) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("load page %d of %s: %w", page, c, err)
		}
	}
	return true, nil
}

// errPageLoaded says that another loader has finished the page.
var errPageLoaded = errors.New("another loader has finished the page")

// oldestPage finds the number of the page to load next; found is false if none is saved.
func (s *Store) oldestPage(
	ctx context.Context, id string, c access.Collection, attempt int,
) (page int, found bool, err error) {
	var current int
	var oldest sql.NullInt64
	err = s.r.QueryRowContext(ctx,
		`SELECT d.attempt, (SELECT MIN(p.page) FROM saved_pages p
		   WHERE p.snapshot_seq = d.snapshot_seq AND p.collection = d.collection AND p.attempt = d.attempt)
		 FROM drains d`+ofSnapshot, id, string(c)).Scan(&current, &oldest)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, fmt.Errorf("find the drain of %s in snapshot %s: %w", c, id, ErrNoSnapshot)
	}
	if err != nil {
		return 0, false, s.explain(fmt.Errorf("find a saved page of %s: %w", c, err))
	}
	if current != attempt {
		return 0, false, errBehind(id, c, current, attempt)
	}
	return int(oldest.Int64), oldest.Valid, nil
}

// savedPage selects one page by the id of its snapshot.
const savedPage = ` FROM saved_pages WHERE snapshot_seq = (SELECT s.seq FROM snapshots s WHERE s.id = $1)
	AND collection = $2 AND attempt = $3 AND page = $4`

// pageRows reads a saved page as rows: from memory, else from the database.
func (s *Store) pageRows(ctx context.Context, k pageKey) ([]row, error) {
	if rows, found := s.pages.take(k); found {
		return rows, nil
	}
	var body []byte
	err := s.r.QueryRowContext(ctx,
		"SELECT body"+savedPage, k.snapshot, string(k.collection), k.attempt, k.page).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errPageLoaded
	}
	if err != nil {
		return nil, s.explain(fmt.Errorf("read page %d of %s: %w", k.page, k.collection, err))
	}
	return decodePage(k.collection, body)
}

// pageLoad is one transaction of a load.
type pageLoad struct {
	s         *Store
	t         *txn
	snap      snapshotRow
	c         access.Collection
	page      int
	last      bool // this transaction finishes the page
	assumeNew bool // no row is expected to exist already
}

func (l pageLoad) transact(ctx context.Context, id string, attempt int, rows []row) error {
	return l.s.writeOn(ctx, func(t *txn) error {
		l.t = t
		return l.run(ctx, id, attempt, rows)
	})
}

func (l *pageLoad) run(ctx context.Context, id string, attempt int, rows []row) error {
	var err error
	var left int64
	l.snap, _, err = l.s.lockOpenDrain(ctx, l.t, id, l.c, attempt, lockForLoad, l.finishPage(id, attempt, &left))
	if err != nil {
		return err
	}
	if left == 0 {
		return errPageLoaded
	}
	if len(rows) == 0 {
		return nil
	}
	return l.load(ctx, rows)
}

// finishPage sets *left to 1 if the page is still saved, else to 0: a slow loader must not
// write an old page over newer ones. The last transaction also deletes the page.
func (l *pageLoad) finishPage(id string, attempt int, left *int64) statement {
	args := []any{id, string(l.c), attempt, l.page}
	if l.last {
		return statement{purpose: "delete the loaded page", sql: "DELETE" + savedPage, args: args, affected: left}
	}
	return statement{
		purpose: "find the saved page", sql: "SELECT COUNT(*)" + savedPage, args: args,
		scan: func(row scanner) error { return row.Scan(left) },
	}
}

func (l *pageLoad) load(ctx context.Context, rows []row) error {
	known, err := l.lookUpVersions(ctx, rows)
	if err != nil {
		return err
	}
	p := planLoad(rows, known)
	l.assumeNew = l.assumeNew && len(p.repeatedIDs) == 0
	if err := l.revertEarlier(ctx, p); err != nil {
		return err
	}
	if err := l.insertUnchanged(ctx, p); err != nil {
		return err
	}
	if err := l.insertEntities(ctx, p.changed); err != nil {
		return err
	}
	if l.c.PrincipalKind() == "" {
		return nil
	}
	return l.loadAssignments(ctx, p)
}
