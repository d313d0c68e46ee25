package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sentinelone-provisioner/internal/netenv"
)

// explainConnect says in one sentence which server did not take the connection, why, and what to do.
// The driver says it once for each attempt and address, on lines of their own.
func explainConnect(cfg *pgx.ConnConfig, err error) error {
	return &connectError{
		text: fmt.Sprintf("cannot connect to the database server %s: %s: %s", servers(cfg), causeText(err),
			connectAdvice(cfg, err)),
		err: err,
	}
}

// connectError prints one sentence and keeps the chain.
type connectError struct {
	text string
	err  error
}

// Error implements error.
func (e *connectError) Error() string { return e.text }

// Unwrap returns the cause.
func (e *connectError) Unwrap() error { return e.err }

// Codes of PostgreSQL: https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	pgBadPassword   = "28P01"
	pgBadAuth       = "28000"
	pgNoDatabase    = "3D000"
	pgTooManyConns  = "53300"
	pgProtocolError = "08P01" // pgbouncer's own errors
)

func connectAdvice(cfg *pgx.ConnConfig, err error) string {
	if refused, answered := errors.AsType[*pgconn.PgError](err); answered {
		switch refused.Code {
		case pgBadPassword, pgBadAuth, pgProtocolError:
			return "check the user and the password in DATABASE_URL, percent-encoded, and what pg_hba.conf allows"
		case pgNoDatabase:
			return fmt.Sprintf("run `createdb %s` there, or correct the database's name in DATABASE_URL", cfg.Database)
		case pgTooManyConns:
			return "raise max_connections, or put pgbouncer before it"
		}
	}
	_, unknown := errors.AsType[*net.DNSError](err)
	switch hint := netenv.ExplainTLS(err, "sslrootcert"); {
	case unknown:
		return "correct the host in DATABASE_URL"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "start PostgreSQL there, or correct host and port in DATABASE_URL"
	case slices.Equal(causeTexts(err), []string{refusedTLS}):
		return "turn TLS on there, or, on a network that you trust, add ?sslmode=disable to DATABASE_URL"
	case hint != "":
		return hint + "; sslrootcert is a parameter of DATABASE_URL, as in ?sslmode=verify-full&sslrootcert=FILE"
	}
	return "check the address, the user and the password in DATABASE_URL, and that the network reaches it"
}

// causeText is an error without what the driver puts around it, each cause once.
func causeText(err error) string {
	if _, connecting := errors.AsType[*pgconn.ConnectError](err); !connecting {
		return err.Error()
	}
	return strings.Join(causeTexts(err), "; ")
}

// refusedTLS is what the driver says of a server without TLS.
const refusedTLS = "server refused TLS connection"

// causeTexts are the causes, each once. A server without TLS is one only if that was all: by default the driver goes on
// without TLS, and then fails for another reason.
func causeTexts(err error) (texts []string) {
	for _, text := range causes(err) {
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if len(texts) > 1 {
		texts = slices.DeleteFunc(texts, func(text string) bool { return text == refusedTLS })
	}
	return texts
}

func causes(err error) []string {
	switch e := err.(type) { //nolint:errorlint // each layer is looked at by itself
	case *pgconn.PgError:
		return []string{fmt.Sprintf("%s (%s)", e.Message, e.Code)}
	case *net.DNSError:
		return []string{fmt.Sprintf("the host %q is not known (%s)", e.Name, e.Err)}
	case *net.OpError:
		if errors.Is(err, syscall.ECONNREFUSED) && e.Addr != nil {
			return []string{"connection refused by " + e.Addr.String()}
		}
		if inner, is := errors.AsType[*net.DNSError](e.Err); is {
			return causes(inner)
		}
		return []string{e.Error()}
	case interface{ Unwrap() []error }:
		var out []string
		for _, one := range e.Unwrap() {
			out = append(out, causes(one)...)
		}
		return out
	}
	if inner := errors.Unwrap(err); inner != nil {
		return causes(inner)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return []string{"no answer in time"}
	}
	return []string{err.Error()}
}
