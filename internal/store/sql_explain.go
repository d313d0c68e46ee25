package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// explain says of an error of the database which one it is and what an operator can do. Every such
// error is temporary to Temporal, which tries the activity again.
func (s *Store) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if explained := (*databaseError)(nil); errors.As(err, &explained) {
		return err
	}
	advice := adviceOnSQLite(err)
	if s.d.postgres {
		advice = adviceOnPostgres(err)
	}
	if s.reader && isReadOnly(err) { // not the server only reads, but this store
		return err
	}
	if advice == "" {
		return err
	}
	return &databaseError{where: s.where, advice: advice, err: err}
}

// databaseError is an error that an operator must see to.
type databaseError struct {
	where, advice string
	err           error
}

// Error implements error.
func (e *databaseError) Error() string {
	return fmt.Sprintf("%s: %s; %s (docs/runbook.md, \"The database does not answer\")",
		e.where, causeText(e.err), e.advice)
}

// Unwrap returns the cause.
func (e *databaseError) Unwrap() error { return e.err }

// Codes of PostgreSQL: https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	pgReadOnly = "25006"
	pgDiskFull = "53100"
)

func adviceOnPostgres(err error) string {
	refused, answered := errors.AsType[*pgconn.PgError](err)
	if !answered {
		if isConnectionLoss(err) {
			return "check that the server runs and that the network reaches it; this is tried again"
		}
		return ""
	}
	switch code := refused.Code; {
	case code == pgDiskFull:
		return "the server's disk is full: free space there, or enlarge it; this is tried again"
	case code == pgReadOnly:
		return "this server only reads, as a standby does: name all servers in DATABASE_URL, " +
			"with target_session_attrs=read-write; this is tried again"
	case code == "53300":
		return "the server has no connection left: raise max_connections, or put pgbouncer before it; " +
			"this is tried again"
	case strings.HasPrefix(code, "57P"):
		return "the server stops, or starts; this is tried again"
	case code == "42501":
		return "the role lacks a privilege: grant it, as docs/security.md says; this is tried again"
	case strings.HasPrefix(code, "53"), strings.HasPrefix(code, "58"), strings.HasPrefix(code, "XX"):
		return "look at the server's log; this is tried again"
	}
	return ""
}

// isConnectionLoss says that there was no connection, or that it ended before the answer.
func isConnectionLoss(err error) bool {
	var dial *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &dial) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "conn closed") // pgx has no error of its own for this
}

// Codes of SQLite: https://www.sqlite.org/rescode.html
const (
	sqliteReadOnlyCode = 8
	sqliteIOErrorCode  = 10
	sqliteFullCode     = 13
)

func adviceOnSQLite(err error) string {
	failed, is := errors.AsType[*sqlite.Error](err)
	if !is {
		return ""
	}
	switch failed.Code() & 0xff {
	case sqliteFullCode:
		return "the disk is full: free space; this is tried again"
	case sqliteBusyCode:
		return "another process holds the file: several workers need DATABASE_URL=postgres://…; this is tried again"
	case sqliteIOErrorCode:
		return "check the disk and the file's folder; this is tried again"
	case sqliteReadOnlyCode:
		return "the file cannot be written: check its permissions; this is tried again"
	}
	return ""
}

// leaveStandby closes the idle connections after an error that says that the server only reads: it was
// the primary when they were made, and another server has taken its place.
func (s *Store) leaveStandby(err error) {
	if s.d.postgres && !s.reader && isReadOnly(err) {
		s.w.SetMaxIdleConns(0)
		s.w.SetMaxIdleConns(postgresConns)
	}
}

func isReadOnly(err error) bool {
	refused, answered := errors.AsType[*pgconn.PgError](err)
	return answered && refused.Code == pgReadOnly
}
