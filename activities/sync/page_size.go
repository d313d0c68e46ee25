package sync

import (
	"context"
	"errors"
	"sync/atomic"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
)

// pageSize is how many rows a drain asks for at once. A page may be too large to hold, since
// one user may have thousands of roles: then half as many rows are asked for, from there on.
//
// Whether a console takes a cursor with another limit than the one it was made for is not
// documented. One that refuses, or sends the larger page again, ends the walk with a doubt;
// the next walk then begins with a size that fits. Rows that such a cursor repeats or leaves
// out are found as ever, by the console's count of them.
type pageSize struct {
	limit atomic.Int64
	large *console.PageTooLargeError // the last page that did not fit; nil if all did
}

// resumeSize continues with the size of the last heartbeat or of the drain before.
func resumeSize(ctx context.Context, limit int) *pageSize {
	s := &pageSize{}
	var last Progress
	if !attempt.LastProgress(ctx, &last) {
		last = Progress{} // none, or of another version
	}
	for _, l := range []int{limit, last.Limit} {
		if 0 < l && l < int(s.asked()) {
			s.limit.Store(int64(l))
		}
	}
	return s
}

// asked is the number of rows to ask for.
func (s *pageSize) asked() int64 {
	if l := s.limit.Load(); l > 0 {
		return l
	}
	return console.PageLimit
}

// smaller is the number of rows to ask for, 0 if it is as many as a console gives.
func (s *pageSize) smaller() int { return int(s.limit.Load()) }

// read reads a page in the largest size that fits, of those not above the last.
func (s *pageSize) read(cursor string, read func(console.ListOptions) (page, error)) (page, error) {
	for {
		got, err := read(console.ListOptions{Cursor: cursor, Limit: int(s.asked())})
		large, ok := errors.AsType[*console.PageTooLargeError](err)
		if !ok || s.asked() == 1 {
			return got, err
		}
		s.large = large
		s.limit.Store(s.asked() / 2)
	}
}

// isRefused says whether err shows that a cursor is bound to the limit it was made for.
func (s *pageSize) isRefused(err error, cursor string) bool {
	return s.large != nil && console.RefusesCursor(err, console.ListOptions{Cursor: cursor})
}

// next is the size of the next drain, which begins at the first page; 0 if every page fitted.
// A cursor made for that size never meets another one, so it is one that did fit.
func (s *pageSize) next() int {
	if s.large == nil {
		return s.smaller()
	}
	return s.large.Fitting(s.smaller())
}
