package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// loadChunk is how many entities one transaction of a load takes: a page as the
// console gives it, so that a larger one does not hold up other writers.
const loadChunk = 1000

// LoadPage turns the oldest saved page of the attempt into rows and deletes it. It
// works in transactions of a few hundred entities, each of which may be repeated, so
// a killed load is finished by the next. False means that no page was waiting.
func (s *Store) LoadPage(ctx context.Context, id string, c access.Collection, attempt int) (bool, error) {
	page, found, err := s.oldestPage(ctx, id, c, attempt)
	if err != nil || !found {
		return false, err
	}
	rows, err := s.pageRows(ctx, pageKey{id, c, attempt, page})
	if errors.Is(err, errLoaded) {
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
		l := loading{s: s, c: c, page: page, last: i == len(chunks)-1, fresh: true}
		err := l.transact(ctx, id, attempt, chunk)
		if repeated(err) {
			l.fresh = false
			err = l.transact(ctx, id, attempt, chunk)
		}
		if errors.Is(err, errLoaded) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("load page %d of %s: %w", page, c, err)
		}
	}
	return true, nil
}

// errLoaded says that another loader has finished the page.
var errLoaded = errors.New("the page is loaded")

// oldestPage finds the page to load next, if there is one.
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
		return 0, false, fmt.Errorf("snapshot %s, %s: %w", id, c, ErrNoSnapshot)
	}
	if err != nil {
		return 0, false, fmt.Errorf("look for a saved page of %s: %w", c, err)
	}
	if current != attempt {
		return 0, false, behind(id, c, current, attempt)
	}
	return int(oldest.Int64), oldest.Valid, nil
}

// savedPage chooses one page by the snapshot's id.
const savedPage = ` FROM saved_pages WHERE snapshot_seq = (SELECT s.seq FROM snapshots s WHERE s.id = $1)
	AND collection = $2 AND attempt = $3 AND page = $4`

// pageRows is a saved page as rows, from memory or else from the database.
func (s *Store) pageRows(ctx context.Context, k pageKey) ([]row, error) {
	if rows, found := s.pages.take(k); found {
		return rows, nil
	}
	var body []byte
	err := s.r.QueryRowContext(ctx,
		"SELECT body"+savedPage, k.snapshot, string(k.collection), k.attempt, k.page).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errLoaded
	}
	if err != nil {
		return nil, fmt.Errorf("read page %d of %s: %w", k.page, k.collection, err)
	}
	return decodePage(k.collection, body)
}

// loading is one transaction of a load.
type loading struct {
	s     *Store
	t     *txn
	snap  snapshotRow
	c     access.Collection
	page  int
	last  bool // the page ends with this transaction
	fresh bool // none of the rows is expected to be there already
}

func (l loading) transact(ctx context.Context, id string, attempt int, rows []row) error {
	return l.s.writeOn(ctx, func(t *txn) error {
		l.t = t
		return l.run(ctx, id, attempt, rows)
	})
}

func (l *loading) run(ctx context.Context, id string, attempt int, rows []row) error {
	var err error
	var left int64
	l.snap, _, err = l.s.holdDrain(ctx, l.t, id, l.c, attempt, besideSaving, l.takePage(id, attempt, &left))
	if err != nil {
		return err
	}
	if left == 0 {
		return errLoaded
	}
	if len(rows) == 0 {
		return nil
	}
	return l.load(ctx, rows)
}

// takePage tells in left whether the page is still saved, which keeps a slow loader
// from putting an old page over newer ones, and deletes it in the last transaction.
func (l *loading) takePage(id string, attempt int, left *int64) step {
	args := []any{id, string(l.c), attempt, l.page}
	if l.last {
		return step{what: "finish the page", query: "DELETE" + savedPage, args: args, touched: left}
	}
	return step{
		what: "look for the saved page", query: "SELECT COUNT(*)" + savedPage, args: args,
		read: func(row scanner) error { return row.Scan(left) },
	}
}

func (l *loading) load(ctx context.Context, rows []row) error {
	known, err := l.known(ctx, rows)
	if err != nil {
		return err
	}
	p := sortOut(rows, known)
	l.fresh = l.fresh && len(p.again) == 0
	if err := l.undo(ctx, p); err != nil {
		return err
	}
	if err := l.keep(ctx, p); err != nil {
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
