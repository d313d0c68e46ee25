package explain_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/types/grant"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
)

const name = "baton-sentinelone-provisioner: "

func answer(code int) error {
	return fmt.Errorf("read users: %w", &console.Error{
		Kind: console.KindStatus, Status: code, Method: "GET", Path: "/users",
	})
}

// failed is an error of an activity as a client sees it.
func failed(kind kinds.Kind, text string) error {
	return fmt.Errorf("workflow execution error: %w", temporal.NewApplicationError(text, string(kind)))
}

// sqlError is an error of PostgreSQL's driver.
type sqlError struct{ code string }

func (e sqlError) Error() string    { return "query failed (SQLSTATE " + e.code + ")" }
func (e sqlError) SQLState() string { return e.code }

// What a person at a terminal does about a missing signature is put into what the connector needs.
func TestError_MissingSignature(t *testing.T) {
	t.Parallel()
	const needs = "have --signing-key name the connector's key, and ALLOWED_SIGNERS of the worker allow it"
	for text, says := range map[string]string{
		"a signature is required: send the request with `starter`, which signs with ssh-agent or --key": name +
			"a signature is required: " + needs,
		"signatures are required: request again with `starter`, which signs with ssh-agent or --key": name +
			"signatures are required: " + needs,
	} {
		err := explain.Error(failed(kinds.Refused, text))
		require.EqualError(t, err, says)
		require.Equal(t, codes.FailedPrecondition, status.Code(err))
	}
}

// Each error has a code, the connector's name, and says what to do. While a sync lists, no code is one that the
// syncer leaves out in silence, or tries again for ever.
func TestError(t *testing.T) {
	t.Parallel()
	const (
		denied, state, invalid = codes.PermissionDenied, codes.FailedPrecondition, codes.InvalidArgument
		away, aborted          = codes.Unavailable, codes.Aborted
		unknown, stopped       = codes.Unknown, codes.Canceled
	)
	gone := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for what, c := range map[string]struct {
		err  error
		code codes.Code
		read codes.Code
		says []string
	}{
		"401": {answer(401), codes.Unauthenticated, codes.Unauthenticated, []string{"create a new one in the console"}},
		"403": {answer(403), denied, denied, []string{"lacks Users.view", "add it to the role"}},
		"404": {answer(404), codes.NotFound, state, []string{"GET /users: 404"}},
		"502": {answer(502), away, aborted, []string{"try again later"}},
		"429": {answer(429), away, away, []string{"wait and try again"}},

		"workflow: forbidden": {
			failed(kinds.Forbidden, "the token's role lacks Users.view: add it"),
			denied, denied,
			[]string{name + "the token's role lacks Users.view"},
		},
		"workflow: invalid": {failed(kinds.Invalid, "no role is called X"), invalid, invalid, nil},
		"workflow: other":   {failed("Other", "x"), state, state, nil},
		"workflow: terminated": {
			fmt.Errorf("wait: %w", &temporal.TerminatedError{}), state, state,
			[]string{name + "the request was terminated: start it again"},
		},
		"Temporal down": {
			fmt.Errorf("start: %w", serviceerror.NewUnavailable("connection refused")), away, aborted,
			[]string{"check that Temporal runs", "TEMPORAL_ADDRESS"},
		},
		"Temporal says no": {
			serviceerror.NewPermissionDenied("no", ""), denied, denied,
			[]string{"TEMPORAL_API_KEY"},
		},
		"Temporal's network": {
			fmt.Errorf("start: %w", temporalclient.Explain(gone, client.Options{HostPort: "temporal:7233"})),
			away, aborted,
			[]string{"temporal does not answer at temporal:7233", "set TEMPORAL_ADDRESS"},
		},
		"Temporal too slow": {
			temporalclient.Explain(context.DeadlineExceeded, client.Options{HostPort: "temporal:7233"}),
			away, aborted,
			[]string{"temporal does not answer at temporal:7233"},
		},
		"no worker": {
			fmt.Errorf("a new sync failed: %w", &temporalclient.NoWorkerError{TaskQueue: "q"}), aborted, aborted,
			[]string{"no worker polls task queue", "or set TASK_QUEUE"},
		},
		"workflow unknown": {
			serviceerror.NewNotFound("workflow not found"), state, state, nil,
		},

		"no database": {
			fmt.Errorf("there is no database file: start the worker: %w", store.ErrNotReady),
			state, state,
			[]string{"start the worker"},
		},
		"no sync yet": {
			fmt.Errorf("read: %w", store.ErrNoSnapshot), state, state,
			[]string{"run `starter sync --wait` first"},
		},
		"broken ledger": {store.ErrBrokenLedger, state, state, []string{"ledger verify"}},
		"database down": {
			fmt.Errorf("connect: %w", gone), away, aborted,
			[]string{"check that the database runs, and that --database-url is its address"},
		},
		"a file that cannot be read": {
			&fs.PathError{Op: "read", Path: "key", Err: syscall.EISDIR}, unknown, unknown,
			[]string{"read key: is a directory; look for", "--log-level debug"},
		},
		"database stops": {sqlError{"57P01"}, away, aborted, []string{"check that the database runs"}},
		"wrong password": {
			sqlError{"28P01"},
			state, state,
			[]string{"the password of --database-url"},
		},
		"wrong query": {sqlError{"42601"}, codes.Internal, codes.Internal, []string{"report it"}},

		"stopped":  {fmt.Errorf("x: %w", context.Canceled), stopped, stopped, []string{"start the task again"}},
		"too slow": {context.DeadlineExceeded, codes.DeadlineExceeded, aborted, []string{"try again"}},
		"unknown":  {errors.New("strange"), unknown, unknown, []string{"strange; look for", "--log-level debug"}},
		"status":   {status.Error(codes.Internal, "odd"), codes.Internal, codes.Internal, []string{name + "odd"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			got := explain.Error(c.err)
			require.Equal(t, c.code, status.Code(got))
			require.Equal(t, c.read, status.Code(explain.Read(c.err)))
			require.Equal(t, got.Error(), explain.Read(c.err).Error())
			require.ErrorIs(t, got, c.err)
			require.True(t, strings.HasPrefix(got.Error(), name), got.Error())
			for _, part := range c.says {
				require.Contains(t, got.Error(), part)
			}
			if strings.Contains(strings.ToLower(what), "temporal") {
				require.NotContains(t, got.Error(), "database")
			}
		})
	}
	require.NoError(t, explain.Error(nil))
	require.NoError(t, explain.Read(nil))
}

// What ConductorOne shows is the text of the chain that the SDK makes: the sentence once, and nothing of gRPC's.
func TestError_AsTheSDKSendsIt(t *testing.T) {
	t.Parallel()
	err := explain.Error(fmt.Errorf("page 3: %w", explain.Newf(codes.FailedPrecondition, "no sync: run %s", "one")))
	require.EqualError(t, err, name+"page 3: no sync: run one")
	sent := status.Convert(fmt.Errorf("grant failed: %w", err))
	require.Equal(t, codes.FailedPrecondition, sent.Code())
	require.Equal(t, "grant failed: "+name+"page 3: no sync: run one", sent.Message())
	require.Equal(t, err, explain.Error(err), "a second time changes nothing")

	relayed := explain.Error(status.Error(codes.Internal, "rpc error: code = Internal desc = deep"))
	require.EqualError(t, relayed, name+"deep")
}

// Two faults are two sentences, each with what to do.
func TestAll(t *testing.T) {
	t.Parallel()
	gone := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	key := explain.Newf(codes.FailedPrecondition, "requests must be signed: make a key.")
	got := explain.All(gone, key)
	require.EqualError(t, got, name+"2 faults: (1) dial tcp: connection refused; check that the database runs, and "+
		"that --database-url is its address; (2) requests must be signed: make a key")
	require.Equal(t, codes.Unavailable, status.Code(got))
	require.Equal(t, got, explain.Error(got), "a second time changes nothing")
	require.ErrorIs(t, got, gone)
	require.Equal(t, key, explain.All(nil, key))
	require.EqualError(t, explain.All(gone, nil), explain.Error(gone).Error())
	require.NoError(t, explain.All(nil, nil))
}

// A decline stays one, for whoever wraps it.
func TestDeclined(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("grant: %w", explain.Declinedf("grant/c1-7 was denied by %s", "carol@example.com"))
	reason, declined := grant.IsErrGrantCancelled(explain.Error(err))
	require.True(t, declined)
	require.Equal(t, name+"grant/c1-7 was denied by carol@example.com", reason)
	_, declined = grant.IsErrGrantCancelled(explain.Read(err))
	require.True(t, declined)
	_, declined = grant.IsErrGrantCancelled(explain.Newf(codes.FailedPrecondition, "x"))
	require.False(t, declined)
}

// Where the console limits requests, the SDK is told how long to wait, in what a sync lists as well.
func TestError_RateLimit(t *testing.T) {
	t.Parallel()
	limited := func(wait time.Duration) error {
		return &console.Error{Kind: console.KindStatus, Status: 429, Method: "GET", Path: "/users", RetryAfter: wait}
	}
	activity := fault.Translate(limited(40 * time.Second))
	for what, c := range map[string]struct {
		err  error
		wait time.Duration
	}{
		"as told":     {limited(40 * time.Second), 40 * time.Second},
		"not told":    {fmt.Errorf("x: %w", limited(0)), time.Minute},
		"by activity": {fmt.Errorf("x: %w", activity), 40 * time.Second},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for _, explained := range []error{explain.Error(c.err), explain.Read(c.err)} {
				require.Equal(t, codes.Unavailable, status.Code(explained))
				details := status.Convert(explained).Details()
				require.Len(t, details, 1)
				limit, is := details[0].(*v2.RateLimitDescription)
				require.True(t, is)
				require.Equal(t, v2.RateLimitDescription_STATUS_OVERLIMIT, limit.GetStatus())
				require.Zero(t, limit.GetRemaining())
				require.WithinDuration(t, time.Now().Add(c.wait), limit.GetResetAt().AsTime(), 10*time.Second)
			}
		})
	}
	require.Empty(t, status.Convert(explain.Error(answer(502))).Details())
}

// Text from outside can neither control a terminal nor fill a header.
func TestError_LongAndUnsafeText(t *testing.T) {
	t.Parallel()
	err := explain.Error(errors.New("a\x1b[31m" + strings.Repeat("ü", 5000)))
	require.NotContains(t, err.Error(), "\x1b")
	require.Less(t, len(err.Error()), 3200)
	require.Contains(t, err.Error(), "…")
}
