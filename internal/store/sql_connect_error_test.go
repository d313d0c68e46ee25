package store_test

import (
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/store"
)

// refusingServer listens as PostgreSQL without TLS does, and answers every client with this error; without a code it
// hangs up.
func refusingServer(t *testing.T, code, message string) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			refuse(conn, code, message)
		}
	}()
	return listener.Addr().String()
}

func refuse(conn net.Conn, code, message string) {
	defer func() { _ = conn.Close() }()
	server := pgproto3.NewBackend(conn, conn)
	for {
		asked, err := server.ReceiveStartupMessage()
		if err != nil {
			return
		}
		if _, secure := asked.(*pgproto3.SSLRequest); secure {
			_, _ = conn.Write([]byte("N"))
			continue
		}
		if code != "" {
			server.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: message})
			_ = server.Flush()
		}
		return
	}
}

// An error of a server that takes no connection is one sentence: which server, what it said, once, and what to do next.
// The password is not in it.
func TestOpen_ServerRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ code, says, parameters, cause, next string }{
		"password": {
			code: "28P01", says: `password authentication failed for user "ana"`,
			cause: `password authentication failed for user "ana" (28P01)`,
			next:  "check the user and the password in DATABASE_URL, percent-encoded, and what pg_hba.conf allows",
		},
		"not allowed": {
			code: "28000", says: "no pg_hba.conf entry for host", cause: "no pg_hba.conf entry for host (28000)",
			next: "check the user and the password in DATABASE_URL, percent-encoded, and what pg_hba.conf allows",
		},
		"pgbouncer": {
			code: "08P01", says: "no such user: ana", cause: "no such user: ana (08P01)",
			next: "check the user and the password in DATABASE_URL, percent-encoded, and what pg_hba.conf allows",
		},
		"no database": {
			code: "3D000", says: `database "access" does not exist`, cause: `database "access" does not exist (3D000)`,
			next: "run `createdb access` there, or correct the database's name in DATABASE_URL",
		},
		"full": {
			code: "53300", says: "sorry, too many clients already", cause: "sorry, too many clients already (53300)",
			next: "raise max_connections, or put pgbouncer before it",
		},
		"no TLS": {
			parameters: "?sslmode=require", cause: "server refused TLS connection",
			next: "turn TLS on there, or, on a network that you trust, add ?sslmode=disable to DATABASE_URL",
		},
		"hangs up": {
			cause: "unexpected EOF",
			next:  "check the address, the user and the password in DATABASE_URL, and that the network reaches it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := refusingServer(t, c.code, c.says)
			_, err := store.Open(t.Context(), "postgres://ana:hunter2@"+address+"/access"+c.parameters)
			require.EqualError(t, err, "cannot connect to the database server "+address+": "+c.cause+": "+c.next)
		})
	}
}
