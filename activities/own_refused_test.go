package activities

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/tokenfile"
	"sentinelone-provisioner/internal/wire"
)

// A token that the worker cannot replace is refused before anybody is asked, and nothing is made.
func TestRotateOwn_ReadOnlySecret(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		own  OwnToken
		want string
	}{
		"a variable":            {OwnToken{}, "SENTINELONE_API_TOKEN, which it cannot change"},
		"a mounted secret":      {OwnToken{File: "/proc/version"}, "cannot replace the token in its file"},
		"no file":               {OwnToken{File: "/nowhere/token"}, "cannot replace the token in its file"},
		"a folder":              {OwnToken{File: tokenfile.File(t.TempDir())}, "no regular file"},
		"workers of many hosts": {OwnToken{Shared: true}, "SENTINELONE_API_TOKEN_FILE_SHARED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newOwnFixture(t, consoletest.Options{})
			in := f.input()
			f.useFile(c.own)
			_, plan := f.planOwn(f.own)
			require.Contains(t, plan.Refusal, c.want)

			out := f.rotateOwn(in) // planned by a worker that could
			f.requireKept(out)
			require.Contains(t, out.Message, c.want)
			require.Zero(t, f.posts("/service-users"))
		})
	}
}

// Workers of many machines that read one file replace the token in it.
func TestRotateOwn_SharedFile(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	f.useFile(OwnToken{File: tokenfile.File(f.file), Shared: true, FileShared: true})
	f.requireReplaced(f.rotateOwn(f.input()))
}

// other adds a service user that is not the worker's.
func (f *ownFixture) other(ends time.Time) string {
	f.t.Helper()
	id, err := f.console.AddServiceUser(access.Principal{
		Name: "svc.other", Level: access.Tenant, Held: []access.HeldRole{{RoleID: f.role.ID}}, TokenExpiresAt: &ends,
	})
	require.NoError(f.t, err)
	return id
}

// thirdToken is the token of another service user, with the worker's role.
func (f *ownFixture) thirdToken() console.Secret {
	f.t.Helper()
	_, token, err := f.client.CreateServiceUser(f.t.Context(), console.NewServiceUser{
		Name: "svc.third", TokenExpiresAt: tokenEnd,
		Roles: access.Holdings{Level: access.Tenant, Held: []access.HeldRole{{RoleID: f.role.ID}}},
	})
	require.NoError(f.t, err)
	return token
}

var workerTokenEnd = time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)

// The service user of another program is never retired: not if its token ends at another time, nor if the console says
// whose the worker's token is, nor if what the worker makes was made by another one.
func TestRotateOwn_OfAnother(t *testing.T) {
	t.Parallel()
	ends := newOwnFixture(t, consoletest.Options{})
	_, plan := ends.planOwn(ends.other(workerTokenEnd.Add(time.Hour)))
	require.Contains(t, plan.Refusal, "the worker's token ends at 2036-01-01T00:00:00Z")

	told := newOwnFixture(t, consoletest.Options{TellsServiceUser: true})
	_, plan = told.planOwn(told.other(workerTokenEnd))
	require.Contains(t, plan.Refusal, "the console says that the worker's token is that of serviceUser "+told.own)

	made := newOwnFixture(t, consoletest.Options{})
	id := made.other(workerTokenEnd)
	in, plan := made.planOwn(id)
	require.Empty(t, plan.Refusal, "both end in the same second")
	out := made.rotateOwn(rotationOf(in, plan))
	made.requireKept(out)
	require.Contains(t, out.Message, "made by "+made.own)
	require.Contains(t, made.names(), "svc.other")
}

// Where nothing shows whose token it is, the first service user stays and the second one is deleted.
func TestRotateOwn_NothingShows(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{HidesCreators: true})
	f.other(workerTokenEnd)
	in, plan := f.planOwn(f.own)
	require.Empty(t, plan.Refusal)
	out := f.rotateOwn(rotationOf(in, plan))
	f.requireKept(out)
	require.Contains(t, out.Message, "does not tell whose token the worker uses")
	require.Equal(t, 1, f.posts("/service-users"))

	told := newOwnFixture(t, consoletest.Options{HidesCreators: true, TellsServiceUser: true})
	told.other(workerTokenEnd)
	told.requireReplaced(told.rotateOwn(told.input()))
	alone := newOwnFixture(t, consoletest.Options{HidesCreators: true})
	alone.requireReplaced(alone.rotateOwn(alone.input()))
}

func (f *ownFixture) names() (out []string) {
	for _, p := range f.console.Truth().Principals {
		out = append(out, p.Name)
	}
	return out
}

// Roles that differ from those that were approved are not copied.
func TestRotateOwn_OtherRolesSince(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	in := f.input()
	require.NoError(t, f.console.SetServiceUserRoles(f.own, access.SiteLevel,
		[]access.HeldRole{{RoleID: f.role.ID, ScopeID: f.site.ID}}))
	out := f.rotateOwn(in)
	f.requireKept(out)
	require.Contains(t, out.Message, "has other roles than when the request was planned")
	require.Zero(t, f.posts("/service-users"))
}

// Without what the policy asks for, nothing is made.
func TestRotateOwn_NotAuthorized(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	f.request.Following(policy.BuiltIn())
	in, plan := f.planOwn(f.own)
	require.True(t, plan.Approval.Required)
	out := f.rotateOwn(rotationOf(in, plan))
	f.requireKept(out)
	require.Equal(t, access.Unauthorized, out.Proof.Outcome)
	require.Zero(t, f.posts("/service-users"))
}

// Without --own, the worker's own service user is refused, and the refusal names the flag.
func TestPlan_OwnTokenNamesTheFlag(t *testing.T) {
	t.Parallel()
	for _, tells := range []bool{false, true} {
		f := newOwnFixture(t, consoletest.Options{TellsServiceUser: tells})
		in := wire.PlanInput{
			Request: f.info("rotate/INC-42"), Console: f.client.Console(), Op: access.OpRotate,
			Principal: access.PrincipalSelector{Kind: access.ServiceUser, ID: f.own},
			Rotation:  &access.TokenRotation{ExpiresAt: tokenEnd},
			Terms:     access.Terms{Requester: "bob@example.com", Reason: "CHG-7"},
		}
		out, err := executeFor[wire.PlanResult](f.accountFixture, wire.PlanActivity, in)
		require.NoError(t, err)
		require.Contains(t, out.Plan.Refusal, "--own")
	}
}

// A second service user that is deleted while its token is tried, or whose token the console does not show in time, is
// no reason to touch the first one.
func TestRotateOwn_SecondOneFails(t *testing.T) {
	t.Parallel()
	deleted := newOwnFixture(t, consoletest.Options{})
	in := deleted.input()
	deleted.accounts.pause = func(context.Context, time.Duration) error { return nil }
	deleted.console.OnRequest(func(r consoletest.Request) {
		for _, p := range deleted.workers() {
			if r.Method == http.MethodGet && p.ID != deleted.own {
				deleted.console.RemoveServiceUser(p.ID)
			}
		}
	})
	deleted.requireKept(deleted.rotateOwn(in))

	hidden := newOwnFixture(t, consoletest.Options{})
	in = hidden.input()
	hidden.console.AddFault(consoletest.Fault{
		Name: consoletest.Stale, Path: "/service-users", Method: http.MethodPost, Delay: time.Hour,
	})
	out := hidden.rotateOwn(in)
	hidden.requireKept(out)
	require.Contains(t, out.Message, "does not show service user")
}

// The first service user that cannot be deleted keeps the request open; the worker uses the second one meanwhile.
func TestRotateOwn_FirstOneCannotBeDeleted(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	in := f.input()
	id := f.console.AddFault(consoletest.Fault{
		Name: consoletest.Forbidden, Path: "/service-users/" + f.own, Method: http.MethodDelete,
	})
	for range 3 {
		_, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
		require.ErrorContains(t, err, "cannot be deleted")
		f.requireUsable()
		require.Len(t, f.workers(), 2)
	}
	waits, err := f.store.Waits(t.Context(), f.client.Console())
	require.NoError(t, err)
	require.Len(t, waits, 1)
	require.Contains(t, waits[0].Text, "delete it in the console")
	f.console.RemoveFault(id)
	f.requireReplaced(f.rotateOwn(in))
	require.Equal(t, 1, f.posts("/service-users"))
}

// The console refuses to make a second service user: nothing changes.
func TestRotateOwn_CreateForbidden(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	in := f.input()
	f.console.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/service-users", Method: http.MethodPost})
	out := f.rotateOwn(in)
	f.requireKept(out)
	require.Contains(t, out.Message, "did not make the second service user")
}

// killAfterRecord leaves the state of a worker that was killed between its record of the token and the write of the
// file.
func (f *ownFixture) killAfterRecord(in wire.CreateInput) {
	f.t.Helper()
	old, err := os.ReadFile(f.file)
	require.NoError(f.t, err)
	id := f.console.AddFault(consoletest.Fault{
		Name: consoletest.BadGateway, Path: "/service-users/" + f.own, Method: http.MethodDelete,
	})
	_, err = executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
	require.Error(f.t, err)
	f.console.RemoveFault(id)
	require.NoError(f.t, os.WriteFile(f.file, old, 0o600))
	f.restart()
}

// A worker that was killed before it wrote the file makes the second service user again; after some times it gives up,
// and the first one stays.
func TestRotateOwn_KilledBeforeTheFile(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	in := f.input()
	f.killAfterRecord(in)
	f.requireReplaced(f.rotateOwn(in))
	require.Equal(t, 2, f.posts("/service-users"))

	again := newOwnFixture(t, consoletest.Options{})
	in = again.input()
	for range maxCreations {
		again.killAfterRecord(in)
	}
	out := again.rotateOwn(in)
	again.requireKept(out)
	require.Contains(t, out.Message, "its token was lost each time")
}

// A token that someone writes to the file after the first service user was deleted is left alone.
func TestRotateOwn_AnotherTokenSince(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	in := f.input()
	third := f.thirdToken()
	f.console.AddFault(consoletest.Fault{
		Name: consoletest.CutAfter, Path: "/service-users/" + f.own, Method: http.MethodDelete, Times: 1,
	})
	reads := f.console.AddFault(consoletest.Fault{
		Name: consoletest.BadGateway, Path: "/service-users/" + f.own, Method: http.MethodGet, Times: 1000, After: 3,
	})
	_, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
	require.Error(t, err)
	f.console.RemoveFault(reads)
	require.NoError(t, os.WriteFile(f.file, []byte(third.Reveal()), 0o600))
	f.restart()
	out := f.rotateOwn(in)
	require.Equal(t, access.Rotated, out.Proof.Outcome, out.Message)
	require.Len(t, f.workers(), 1)
	text, err := os.ReadFile(f.file)
	require.NoError(t, err)
	require.Equal(t, third.Reveal(), string(text))
}

// The token file may be in the folder for tokens of service users, where the old one's name is on it.
func TestRotateOwn_FileInTheSink(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	f.file = filepath.Join(f.folder, f.client.Console(), f.own+".token")
	require.NoError(t, os.MkdirAll(filepath.Dir(f.file), 0o700))
	require.NoError(t, os.WriteFile(f.file, []byte(f.console.Token()), 0o600))
	f.restart()
	f.requireReplaced(f.rotateOwn(f.input()))
}

// The second service user and the end of the first one are explained by the request, at the end and meanwhile.
func TestRotateOwn_IsExplained(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	told := newNotifyFixture(t, f.store, f.client.Console())
	d := NewDrift(NewAuthority(f.store, f.client.Console(), nil), told.notify)
	now, syncs := time.Now(), 0
	d.now = func() time.Time { return now }
	explain := func() drift.Counts {
		now = now.Add(3 * time.Minute)
		syncs++
		storeSync(t, f.store, f.client.Console(), f.console.Truth(), strings.Repeat("s", syncs), now)
		now = now.Add(3 * time.Minute)
		out, err := d.Explain((&driftFixture{grantFixture: &grantFixture{t: t}}).outside())
		require.NoError(t, err)
		require.Zero(t, out.Counts.Drift(), out.Counts)
		return out.Counts
	}
	require.Zero(t, explain()[drift.Granted])
	in := f.input()
	id := f.console.AddFault(consoletest.Fault{
		Name: consoletest.Forbidden, Path: "/service-users/" + f.own, Method: http.MethodDelete,
	})
	_, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
	require.Error(t, err)
	require.Equal(t, 1, explain()[drift.Granted], "while the first one is there")
	f.console.RemoveFault(id)
	f.requireReplaced(f.rotateOwn(in))
	require.Equal(t, 1, explain()[drift.Granted])
	f.own = f.workers()[0].ID
	f.requireReplaced(f.rotateOwn(f.input()))
	require.Equal(t, 1, explain()[drift.Granted], "the one before is no longer missed")
}
