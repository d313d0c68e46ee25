package activities

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// named adds a service user of that name, with the worker's role.
func (f *ownFixture) named(name string) {
	f.t.Helper()
	_, err := f.console.AddServiceUser(access.Principal{
		Name: name, Level: access.Tenant, Held: []access.HeldRole{{RoleID: f.role.ID}},
	})
	require.NoError(f.t, err)
}

// A service user that had the new name before anything was made is none of the request's: it stays, and so does the
// first one. One whose name only looks the same is in nobody's way.
func TestRotateOwn_NameIsTaken(t *testing.T) {
	t.Parallel()
	taken := newOwnFixture(t, consoletest.Options{})
	in := taken.input()
	name := access.SuccessorName("svc.worker", in.Key)
	taken.named(name)
	out := taken.rotateOwn(in)
	require.True(t, out.Refused)
	require.Contains(t, out.Message, "there is a service user of the new name already")
	require.Len(t, taken.workers(), 2)
	require.Zero(t, taken.posts("/service-users"))

	for _, like := range []func(string) string{
		strings.ToUpper,
		func(name string) string { return name + "\u200b" }, // the console's search takes both for the same
	} {
		similar := newOwnFixture(t, consoletest.Options{})
		in = similar.input()
		name = like(access.SuccessorName("svc.worker", in.Key))
		similar.named(name)
		out := similar.rotateOwn(in)
		require.Equal(t, access.Rotated, out.Proof.Outcome, out.Message)
		require.Contains(t, similar.names(), name)
	}
}

// A call to make the second service user that the console has refused for now made nothing: the next attempt makes it
// without waiting for one that may still appear.
func TestRotateOwn_RefusedForNow(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	in := f.input()
	f.console.AddFault(consoletest.Fault{
		Name: consoletest.RateLimited, Path: "/service-users", Method: http.MethodPost, Times: 1,
	})
	_, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
	require.Error(t, err)
	out, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
	require.NoError(t, err)
	f.requireReplaced(out)
	require.Equal(t, 2, f.posts("/service-users"))
}

// A token file that has become read-only since it was tried has the second service user deleted at once, and the first
// one stays. The kernel's file holds a word that does not change, in a folder where nobody can make a file.
func TestRotateOwn_FileBecomesReadOnly(t *testing.T) {
	t.Parallel()
	const mounted = "/proc/sys/kernel/random/boot_id"
	word, err := os.ReadFile(mounted)
	require.NoError(t, err)
	f := newOwnFixture(t, consoletest.Options{Token: strings.TrimSpace(string(word))})
	in := f.input()
	f.console.OnRequest(func(r consoletest.Request) {
		if r.Method == http.MethodPost && r.Path == "/service-users" {
			_ = os.Remove(f.file)
			_ = os.Symlink(mounted, f.file)
		}
	})
	out, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
	require.NoError(t, err)
	f.requireKept(out)
	f.requireUsable()
	require.Equal(t, 1, f.posts("/service-users"))
	require.Contains(t, out.Message, "cannot replace the token in its file")
	require.Contains(t, out.Message, "service user "+f.own+" is still in use")
}

// A second service user that has other roles than the first one, as soon as it is there, is deleted before its token is
// anywhere.
func TestRotateOwn_SecondOneHasOtherRoles(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	in := f.input()
	f.accounts.pause = func(context.Context, time.Duration) error { return nil }
	f.console.OnRequest(func(r consoletest.Request) {
		for _, p := range f.workers() {
			if r.Method == http.MethodGet && p.ID != f.own {
				_ = f.console.SetServiceUserRoles(p.ID, access.SiteLevel,
					[]access.HeldRole{{RoleID: f.role.ID, ScopeID: f.site.ID}})
			}
		}
	})
	out := f.rotateOwn(in)
	f.requireKept(out)
	require.Contains(t, out.Message, "other roles of the second service user")
}

// If somebody deletes the first service user and writes another token, while the answer about the second one is lost,
// nothing is left to replace: the second one, which nobody can use, goes, and the token stays.
func TestRotateOwn_FirstOneDeletedByHand(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	in := f.input()
	third := f.thirdToken()
	f.console.AddFault(consoletest.Fault{
		Name: consoletest.CutAfter, Path: "/service-users", Method: http.MethodPost, Times: 1,
	})
	_, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
	require.Error(t, err)
	require.Len(t, f.workers(), 2)
	require.NoError(t, os.WriteFile(f.file, []byte(third.Reveal()), 0o600))
	f.console.RemoveServiceUser(f.own)
	f.restart()
	out := f.rotateOwn(in)
	require.True(t, out.Refused)
	require.Contains(t, out.Message, "nothing is left to replace")
	require.Empty(t, f.workers())
	text, err := os.ReadFile(f.file)
	require.NoError(t, err)
	require.Equal(t, third.Reveal(), string(text))
}

// While the first service user cannot be deleted yet: if somebody gives the second one other roles, the first one stays
// until they are right again; one that a lost call has made late goes with the first one.
func TestRotateOwn_SecondOneChangesLater(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	in := f.input()
	id := f.console.AddFault(consoletest.Fault{
		Name: consoletest.Forbidden, Path: "/service-users/" + f.own, Method: http.MethodDelete,
	})
	attempt := func() error {
		_, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
		f.requireUsable()
		return err
	}
	require.ErrorContains(t, attempt(), "cannot be deleted")
	f.console.RemoveFault(id)
	var second string
	for _, p := range f.workers() {
		if p.ID != f.own {
			second = p.ID
		}
	}
	held := []access.HeldRole{{RoleID: f.role.ID}}
	require.NoError(t, f.console.SetServiceUserRoles(second, access.SiteLevel,
		[]access.HeldRole{{RoleID: f.role.ID, ScopeID: f.site.ID}}))
	require.ErrorContains(t, attempt(), "someone has changed the roles of service user "+second)
	require.Len(t, f.workers(), 2)

	require.NoError(t, f.console.SetServiceUserRoles(second, access.Tenant, held))
	f.named(access.SuccessorName("svc.worker", in.Key))
	f.requireReplaced(f.rotateOwn(in))
	require.Equal(t, second, f.workers()[0].ID)
}

// A second service user whose token was in the file once may be in use elsewhere, such as from a copy of the file: it
// stays, also where somebody has deleted the first one and written another token since.
func TestRotateOwn_SecondOneMayBeInUse(t *testing.T) {
	t.Parallel()
	var f *ownFixture
	var in wire.CreateInput
	for n := 1; ; n++ { // until one dies right after it wrote the file
		f = newOwnFixture(t, consoletest.Options{})
		in = f.input()
		first, err := os.ReadFile(f.file)
		require.NoError(t, err)
		require.True(t, f.killAt(n, false, in), "it never wrote the file")
		now, err := os.ReadFile(f.file)
		require.NoError(t, err)
		if string(now) != string(first) {
			break
		}
	}
	require.Len(t, f.workers(), 2)
	f.restart()
	third := f.thirdToken()
	require.NoError(t, os.WriteFile(f.file, []byte(third.Reveal()), 0o600))
	f.console.RemoveServiceUser(f.own)
	f.restart()
	out := f.rotateOwn(in)
	require.True(t, out.Refused)
	require.Contains(t, out.Message, "delete in the console what is not in use")
	require.Len(t, f.workers(), 1)
}

// An input that names another service user than the request, or another change, deletes nobody else: what is replaced
// follows from the ledger alone, also where the second one is in use already.
func TestRotateOwn_ForgedInput(t *testing.T) {
	t.Parallel()
	f := newOwnFixture(t, consoletest.Options{})
	victim := f.other(time.Date(2037, 1, 1, 0, 0, 0, 0, time.UTC))
	in := f.input()
	id := f.console.AddFault(consoletest.Fault{
		Name: consoletest.Forbidden, Path: "/service-users/" + f.own, Method: http.MethodDelete,
	})
	_, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
	require.ErrorContains(t, err, "cannot be deleted")
	f.console.RemoveFault(id)

	resealed, elsewhere := in, in
	resealed.Plan.Principal.ID = victim
	resealed.Plan = resealed.Plan.Seal()
	elsewhere.Key += "x"
	for _, forged := range []wire.CreateInput{resealed, elsewhere} {
		_, err = executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, forged)
		require.ErrorContains(t, err, "the ledger holds no plan")
		require.Len(t, f.workers(), 2)
	}
	kept := in // with the hash of the plan on record
	kept.Plan.Principal.ID = victim
	out, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, kept)
	require.NoError(t, err)
	f.requireReplaced(out)
	require.Contains(t, f.names(), "svc.other")
}
