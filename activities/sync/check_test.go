package sync

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

func checkInput() wire.SyncCheckInput {
	return wire.SyncCheckInput{Snapshot: "s1", Collections: access.Collections()}
}

// Opening a snapshot again changes nothing, also once pages have arrived.
func TestBegin_TwiceHasOneEffect(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	in := wire.SyncBeginInput{Snapshot: "s1", Collections: access.Collections(), StartedAt: time.Now().UTC()}
	first := b.mustBegin(in)
	require.Equal(t, b.console.URL, "http://"+first.Console)
	b.drainAll("s1")
	require.Equal(t, first, b.mustBegin(in))
	require.Equal(t, "promoted", b.mustSettle(settleInput("s1")).State)
	b.requireTruth()
}

// One request each for the system, the token and every collection, which gives
// the counts that the walks are held against.
func TestCheck(t *testing.T) {
	t.Parallel()
	expires := time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)
	b := newSyncFixture(t, consoletest.Options{TokenExpiresAt: expires})
	b.begin("s1")
	got := b.mustCheck(checkInput())
	require.True(t, expires.Equal(*got.TokenExpiresAt))
	require.Equal(t, map[access.Collection]int{
		access.Accounts: 1, access.Sites: 3, access.Roles: 10, access.Users: 20, access.ServiceUsers: 10,
	}, got.Expected)
	require.Empty(t, got.Warnings)
	require.Equal(t, 7, got.Requests)
	require.Equal(t, 7, b.console.RequestCount())
}

// A token that ends soon is worth a warning, by the clock of the worker.
func TestCheck_TokenEndsSoon(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{TokenExpiresAt: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)})
	b.sync.now = func() time.Time { return time.Date(2035, 12, 28, 0, 0, 0, 0, time.UTC) }
	b.begin("s1")
	require.Len(t, b.mustCheck(checkInput()).Warnings, 1)
}

// What cannot work is final and says what to do; what may pass is waited out and
// noted for the status.
func TestCheck_Failures(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		fault consoletest.FaultKind
		path  string
		kind  kinds.Kind
		want  string
	}{
		"token refused":      {consoletest.Unauthorized, "", kinds.Unauthenticated, "API token is wrong"},
		"permission missing": {consoletest.Forbidden, "/service-users", kinds.Forbidden, "Service Users.view"},
		"console down":       {consoletest.BadGateway, "", kinds.Unavailable, "502"},
		"one call fails":     {consoletest.ServerError, "/sites", kinds.Unavailable, "/sites"},
		"too many requests":  {consoletest.RateLimited, "/users", kinds.RateLimited, "429"},
		"no console":         {consoletest.EmptyObject, "", kinds.Unavailable, "/system/info"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newSyncFixture(t, consoletest.Options{})
			b.begin("s1")
			b.console.AddFault(consoletest.Fault{Name: c.fault, Path: c.path})
			_, err := execute[wire.SyncCheckResult](b, wire.SyncCheckActivity, checkInput())
			app := attempttest.ApplicationError(t, err)
			require.Equal(t, string(c.kind), app.Type())
			require.Equal(t, c.kind.Final(), app.NonRetryable())
			require.Contains(t, app.Message(), c.want)
			require.NotContains(t, app.Message(), b.console.Token())
			progress, err := b.store.Progress(t.Context(), "s1")
			require.NoError(t, err)
			require.NotNil(t, progress.Note)
			require.Equal(t, app.Message(), progress.Note.Text)

			b.console.ClearFaults()
			require.Len(t, b.mustCheck(checkInput()).Expected, 5)
		})
	}
}

// Two permissions that are missing are told at once.
func TestCheck_TellsEveryMissingPermission(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.begin("s1")
	for _, p := range []string{"/accounts", "/rbac/roles"} {
		b.console.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: p})
	}
	_, err := execute[wire.SyncCheckResult](b, wire.SyncCheckActivity, checkInput())
	require.Contains(t, attempttest.ApplicationError(t, err).Message(), "Accounts.view")
	require.Contains(t, attempttest.ApplicationError(t, err).Message(), "Roles.view")
}

// Whether the check meets it, or a page later, a refusal because of the scope of the token's user says so: the sync
// fails at once, and no permission is named, since the role has it.
func TestSync_TokenAtTheWrongScope(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]string{
		"Action is not allowed to multi-scope users":                                 "holds roles at several scopes",
		"User scope level is account. Please provide a valid account ID or site ID.": "at the wrong scope (account)",
	} {
		m := &middle{}
		b := newDeltaFixture(t, consoletest.Options{}, behind(m))
		b.begin("s1")
		m.change = func(r *http.Request, body []byte) (int, []byte) {
			if strings.HasSuffix(r.URL.Path, "/users") {
				return http.StatusForbidden, fmt.Appendf(nil,
					`{"errors":[{"code":4030010,"detail":%q,"title":"Insufficient permissions"}]}`, says)
			}
			return 0, body
		}
		_, checked := execute[wire.SyncCheckResult](b.syncFixture, wire.SyncCheckActivity, checkInput())
		_, drained := execute[wire.SyncDrainResult](b.syncFixture, wire.SyncDrainActivity, users(1))
		for _, err := range []error{checked, drained} {
			app := attempttest.ApplicationError(t, err)
			require.Equal(t, string(kinds.Forbidden), app.Type())
			require.True(t, app.NonRetryable())
			require.Contains(t, app.Message(), want)
			require.Contains(t, app.Message(), "adding a permission does not help")
			require.NotContains(t, app.Message(), "lacks")
			require.NotContains(t, app.Message(), "Users.view")
		}
	}
}
