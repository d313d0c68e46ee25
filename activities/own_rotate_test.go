package activities

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/tokenfile"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/wire"
)

// ownFixture is a worker whose token is that of service user "worker", in a file.
type ownFixture struct {
	*accountFixture

	file string
	own  string // id of the service user
}

// newOwnFixture makes the console with those options; a service user owns its token.
func newOwnFixture(t *testing.T, o consoletest.Options) *ownFixture {
	t.Helper()
	o.OwnerIsServiceUser, o.ServiceUserTokens, o.ServiceUsers = true, true, -1
	f := &ownFixture{accountFixture: newAccountFixture(t, o)}
	var err error
	f.own, err = f.console.AddServiceUser(access.Principal{
		Name: "svc.worker", Level: access.Tenant, Held: []access.HeldRole{{RoleID: f.role.ID}},
		TokenExpiresAt: new(time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)),
	})
	require.NoError(t, err)
	_, owner := f.console.TokenOwner()
	require.Equal(t, f.own, owner)
	f.file = filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(f.file, []byte(f.console.Token()+"\n"), 0o600))
	f.restart()
	return f
}

// restart is a new process of the worker.
func (f *ownFixture) restart() {
	f.t.Helper()
	f.client = attempttest.Client(f.t, f.console.URL, func(c *console.Config) { c.Token = console.TokenFile(f.file) })
	f.rewire()
}

// rewire makes the activities anew, with the client.
func (f *ownFixture) rewire() {
	f.t.Helper()
	f.storeTokensIn(tokensink.New(f.folder, ""))
	f.useFile(OwnToken{File: tokenfile.File(f.file)})
	tokens, err := policy.Parse("all", []byte(strings.Replace(testbed.AutoApprove, "rules:\n",
		"rules:\n  - {name: tokens, for: [rotateToken], autoApprove: true}\n", 1)))
	require.NoError(f.t, err)
	f.request.Following(tokens)
	f.accounts.pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
}

func (f *ownFixture) useFile(o OwnToken) {
	f.request.ReplacingOwnToken(o)
	f.accounts.ReplacingOwnToken(o)
}

func (f *ownFixture) planOwn(id string) (wire.PlanInput, access.Plan) {
	f.t.Helper()
	in := wire.PlanInput{
		Request: f.info("rotate/INC-42"), Console: f.client.Console(), Op: access.OpRotate,
		Principal: access.PrincipalSelector{Kind: access.ServiceUser, ID: id},
		Rotation:  &access.TokenRotation{ExpiresAt: tokenEnd, Own: true},
		Terms:     access.Terms{Requester: "bob@example.com", Reason: "CHG-7"},
	}
	out, err := executeFor[wire.PlanResult](f.accountFixture, wire.PlanActivity, in)
	require.NoError(f.t, err)
	return in, out.Plan
}

func (f *ownFixture) input() wire.CreateInput {
	f.t.Helper()
	in, plan := f.planOwn(f.own)
	require.Empty(f.t, plan.Refusal)
	return rotationOf(in, plan)
}

// requireUsable checks that the file holds a token that works, whatever has happened.
func (f *ownFixture) requireUsable() {
	f.t.Helper()
	text, err := os.ReadFile(f.file)
	require.NoError(f.t, err)
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.console.URL+consoletest.BasePath+
		"/users/api-token-details", strings.NewReader(`{"data":{"apiToken":"`+strings.TrimSpace(string(text))+`"}}`))
	require.NoError(f.t, err)
	r.Header.Set("Authorization", "ApiToken "+strings.TrimSpace(string(text)))
	answer, err := (&http.Client{Timeout: time.Minute}).Do(r)
	require.NoError(f.t, err)
	require.NoError(f.t, answer.Body.Close())
	require.Equal(f.t, http.StatusOK, answer.StatusCode, "the worker is locked out")
}

// workers are the service users that hold the worker's role.
func (f *ownFixture) workers() []access.Principal {
	return slices.DeleteFunc(f.console.Truth().Principals, func(p access.Principal) bool {
		return p.Kind != access.ServiceUser || !strings.HasPrefix(p.Name, "svc.worker")
	})
}

// rotateOwn makes attempts until one ends the rotation. Before and after each, the token in the file works.
func (f *ownFixture) rotateOwn(in wire.CreateInput) wire.CreateResult {
	f.t.Helper()
	for range 30 {
		out, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
		f.requireUsable()
		if err == nil {
			return out
		}
		require.False(f.t, attempttest.ApplicationError(f.t, err).NonRetryable(), "%v", err)
		f.betweenAttempts()
	}
	require.Fail(f.t, "it never ends")
	return wire.CreateResult{}
}

// requireReplaced checks that one service user is left: the second one, with the roles of the first one, and that the
// file holds its token, which is nowhere else.
func (f *ownFixture) requireReplaced(out wire.CreateResult) {
	f.t.Helper()
	require.Equal(f.t, access.Rotated, out.Proof.Outcome, out.Message)
	left := f.workers()
	require.Len(f.t, left, 1)
	require.NotEqual(f.t, f.own, left[0].ID)
	require.Equal(f.t, left[0].ID, out.Proof.Made.ID)
	require.Equal(f.t, []access.HeldRole{{RoleID: f.role.ID}}, left[0].Held)
	require.Equal(f.t, access.Tenant, left[0].Level)
	require.Equal(f.t, access.SinkOwnFile, out.Proof.Token.Sink)
	text, err := os.ReadFile(f.file)
	require.NoError(f.t, err)
	require.Equal(f.t, f.console.ServiceUserToken(left[0].ID), string(text))
	entries, err := f.store.LedgerOf(f.t.Context(), f.client.Console(), "rotate/INC-42")
	require.NoError(f.t, err)
	require.NotEmpty(f.t, entries)
	for _, e := range entries {
		require.NotContains(f.t, string(e.Body), string(text), e.Key)
	}
	result, err := json.Marshal(out)
	require.NoError(f.t, err)
	require.NotContains(f.t, string(result), string(text))
}

// requireKept checks that nothing has changed: the first service user is there, alone, and its token is in the file.
func (f *ownFixture) requireKept(out wire.CreateResult) {
	f.t.Helper()
	require.True(f.t, out.Refused)
	left := f.workers()
	require.Len(f.t, left, 1)
	require.Equal(f.t, f.own, left[0].ID)
	text, err := os.ReadFile(f.file)
	require.NoError(f.t, err)
	require.Equal(f.t, f.console.Token(), strings.TrimSpace(string(text)))
}

// A second service user with the same roles takes the place of the one whose token the worker uses.
func TestRotateOwn(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	in := f.input()
	require.Contains(t, strings.Join(in.Plan.Notes, " "), "once the worker has read the console with the new token")
	out := f.rotateOwn(in)
	f.requireReplaced(out)
	require.Equal(t, out, f.rotateOwn(in), "asked again, it is the same one")
	require.Equal(t, 1, f.posts("/service-users"))

	// The next one takes the place of that one, and its name does not grow.
	first := f.workers()[0]
	f.own = first.ID
	f.requireReplaced(f.rotateOwn(f.input()))
	require.Len(t, f.workers()[0].Name, len(first.Name))
}

// Whatever answer is lost, or is an error, or comes before what it tells shows in reads, one service user is left that
// has the role, and at no time does the file hold a token that does not work.
func TestRotateOwn_Faults(t *testing.T) {
	t.Parallel()
	calls := map[string]consoletest.Fault{
		"create": {Path: "/service-users", Method: http.MethodPost},
		"delete": {Path: "/service-users", Method: http.MethodDelete},
		"reads":  {Path: "/service-users", Method: http.MethodGet},
		"own":    {Path: "/user", Method: http.MethodGet},
	}
	for call, fault := range calls {
		for _, kind := range []consoletest.FaultKind{
			consoletest.CutBefore, consoletest.CutAfter, consoletest.ErrorAfter, consoletest.ServerError,
			consoletest.BadGateway, consoletest.RateLimited, consoletest.Truncated, consoletest.Stale,
		} {
			t.Run(call+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				f := newOwnFixture(t, consoletest.Options{})
				in := f.input()
				fault.Name = kind
				id := f.addFault(fault)
				f.accounts.pause = func(context.Context, time.Duration) error {
					f.betweenAttempts()
					return nil
				}
				f.requireReplaced(f.rotateOwn(in))
				if kind != consoletest.Stale { // which addFault removes
					require.Positive(t, f.console.FaultsFired(id))
				}
			})
		}
	}
}

// killWorker ends one attempt at the n-th request that a worker sends to the console, which the console has or has not
// processed by then, and says whether there was one.
func (f *ownFixture) killAt(n int, processed bool, in wire.CreateInput) (killed bool) {
	f.t.Helper()
	ctx, kill := context.WithCancel(f.t.Context())
	defer kill()
	f.accounts.pause = func(context.Context, time.Duration) error { return ctx.Err() }
	f.client = attempttest.Client(f.t, f.console.URL, func(c *console.Config) {
		c.Token = console.TokenFile(f.file)
		c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if n--; n > 0 {
				return http.DefaultTransport.RoundTrip(r)
			}
			killed = true
			if n == 0 && processed {
				answer, err := http.DefaultTransport.RoundTrip(r)
				if err == nil {
					_ = answer.Body.Close()
				}
			}
			return nil, errKilled
		})
	})
	f.rewire()
	_, _ = executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
	f.requireUsable()
	return killed
}

var errKilled = errors.New("the worker was killed")

type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Killed at each request in turn, before or after the console has processed it, another process completes the rotation.
func TestRotateOwn_KilledAtEachRequest(t *testing.T) {
	t.Parallel()
	for _, processed := range []bool{false, true} {
		last := 0
		for killed := true; killed; last++ {
			f := newOwnFixture(t, consoletest.Options{})
			in := f.input()
			killed = f.killAt(last+1, processed, in)
			f.restart()
			f.requireReplaced(f.rotateOwn(in))
		}
		require.Greater(t, last, 10, "requests of a rotation")
	}
}
