package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// accountEnv has a worker that writes the tokens of service users to a folder.
type accountEnv struct {
	*grantEnv

	tokenDir string
}

func newAccountEnv(t *testing.T, o consoletest.Options) *accountEnv {
	t.Helper()
	s := newStack(t, o)
	folder := filepath.Join(t.TempDir(), "tokens")
	s.extraEnv = append(s.extraEnv, "SERVICE_USER_TOKEN_DIR="+folder)
	a := &accountEnv{grantEnv: prepareGrantEnv(t, s), tokenDir: folder}
	a.startWorker()
	return a
}

// userInput asks for a user with the requested role.
func (a *accountEnv) userInput(name string) wire.ProvisionUserInput {
	return wire.ProvisionUserInput{
		Email: name + "@example.com", FullName: name, Role: access.RoleSelector{ID: a.requested.RoleID},
		Scope:     access.ScopeSelector{Level: a.requested.Level, ID: a.requested.ScopeID},
		Requester: "bob@example.com", Reason: "INC-42",
	}
}

func (a *accountEnv) startUser(name string) client.WorkflowRun {
	a.t.Helper()
	return a.start(wire.ProvisionID(a.t.Name()+"/"+name), wire.ProvisionUserType, a.userInput(name))
}

// serviceUserInput asks for a service user with the requested role.
func (a *accountEnv) serviceUserInput(name string) wire.ProvisionServiceUserInput {
	return wire.ProvisionServiceUserInput{
		Name: name, Role: access.RoleSelector{ID: a.requested.RoleID},
		Scope:     access.ScopeSelector{Level: a.requested.Level, ID: a.requested.ScopeID},
		TokenLife: new(access.Duration(9000 * time.Hour)), Requester: "bob@example.com",
	}
}

func (a *accountEnv) startServiceUser(name string) client.WorkflowRun {
	a.t.Helper()
	return a.start(wire.ProvisionID(a.t.Name()+"/"+name), wire.ProvisionServiceUserType, a.serviceUserInput(name))
}

// offboardInput deletes a principal, or leaves it with a baseline.
func (a *accountEnv) offboardInput(p access.Principal, baseline *wire.Baseline) wire.OffboardInput {
	in := wire.OffboardInput{
		Principal: access.PrincipalSelector{Kind: p.Kind, ID: p.ID}, Mode: wire.ModeDelete,
		Requester: "bob@example.com",
	}
	if baseline != nil {
		in.Mode, in.Baseline = wire.ModeBaseline, baseline
	}
	return in
}

func (a *accountEnv) startOffboard(name string, p access.Principal, baseline *wire.Baseline) client.WorkflowRun {
	a.t.Helper()
	return a.start(wire.OffboardID(a.t.Name()+"/"+name), wire.OffboardType, a.offboardInput(p, baseline))
}

// addTokenOwner adds the user to whom the worker's API token belongs.
func (a *accountEnv) addTokenOwner() (access.Kind, string) {
	a.t.Helper()
	id, err := a.console.AddUser(access.Principal{
		Email: "admin@example.com", Name: "Admin",
		Level: access.Tenant, Held: []access.HeldRole{{RoleID: a.viewer.RoleID}},
	})
	require.NoError(a.t, err)
	kind, owner := a.console.TokenOwner()
	require.Equal(a.t, owner, id)
	return kind, id
}

// accountsNamed are the accounts on the console with a name.
func (a *accountEnv) accountsNamed(kind access.Kind, name string) (out []access.Principal) {
	for _, p := range a.console.Truth().Principals {
		if p.Kind == kind && p.Name == name {
			out = append(out, p)
		}
	}
	return out
}

// requireCreated checks that there is exactly one account with the name, that it holds its
// role, and that a service user's token is in its file.
func (a *accountEnv) requireCreated(kind access.Kind, name string, got wire.RequestResult) {
	a.t.Helper()
	require.Equal(a.t, "provisioned", got.State, got.Message)
	require.Equal(a.t, access.Created, got.Outcome)
	there := a.accountsNamed(kind, name)
	require.Len(a.t, there, 1)
	require.True(a.t, there[0].Holdings().Holds(a.requested))
	proof := got.Receipt.Proofs[len(got.Receipt.Proofs)-1]
	require.Equal(a.t, there[0].ID, proof.Made.ID)
	a.requireReceipt(got)
	if kind == access.User {
		return
	}
	require.Equal(a.t, "file", proof.Token.Sink)
	require.Equal(a.t, filepath.Join(a.consoleKey(), there[0].ID+".token"), proof.Token.Path)
	token, err := os.ReadFile(filepath.Join(a.tokenDir, proof.Token.Path))
	require.NoError(a.t, err)
	require.Equal(a.t, a.console.ServiceUserToken(there[0].ID), string(token))
}

func TestProvision(t *testing.T) {
	t.Parallel()
	s := newAccountEnv(t, grantworld.Options())
	user, service := s.startUser("dora"), s.startServiceUser("ci builds")
	s.requireCreated(access.User, "dora", s.result(user))
	s.requireCreated(access.ServiceUser, "ci builds", s.result(service))

	in := s.userInput("dora")
	in.Email, in.FullName = "DORA@example.com", "Dora"
	again := s.result(s.start(wire.ProvisionID(t.Name()+"/again"), wire.ProvisionUserType, in))
	require.Equal(t, "provisioned", again.State)
	require.Equal(t, access.AlreadyHeld, again.Outcome)
	twice := s.result(s.start(wire.ProvisionID(t.Name()+"/twice"), wire.ProvisionServiceUserType,
		s.serviceUserInput("ci builds")))
	require.Equal(t, "refused", twice.State)
	require.Contains(t, twice.Message, s.accountsNamed(access.ServiceUser, "ci builds")[0].ID)
	s.requireLedger()
}

// The worker is killed after the console has created the account and before it has
// answered. There is exactly one account afterwards, and a token that was lost is replaced.
func TestKill_WorkerBetweenCreationAndAnswer(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		t.Run(fmt.Sprintf("old console %t", old), func(t *testing.T) {
			t.Parallel()
			o := grantworld.Options()
			o.NoTokenGeneration = old
			s := newAccountEnv(t, o)
			for _, path := range []string{"/users", "/service-users"} {
				s.console.AddFault(consoletest.Fault{
					Name: consoletest.Slow, Path: path, Method: http.MethodPost, Times: 1, Delay: time.Hour,
				})
			}
			user, service := s.startUser("dora"), s.startServiceUser("ci builds")
			require.Eventually(t, func() bool {
				return len(s.accountsNamed(access.User, "dora")) == 1 &&
					len(s.accountsNamed(access.ServiceUser, "ci builds")) == 1
			}, limit, 20*time.Millisecond)
			s.worker.Kill()
			s.startWorker()
			s.requireCreated(access.User, "dora", s.result(user))
			s.requireCreated(access.ServiceUser, "ci builds", s.result(service))
			s.requireLedger()
		})
	}
}

// The creation of a user is cancelled, and then the attempt under way fails, with the user
// created and not: the request ends cancelled without the user, or provisioned with it.
func TestCancel_CreationWhoseAttemptFails(t *testing.T) {
	t.Parallel()
	for fault, created := range map[consoletest.FaultKind]bool{
		consoletest.BadGateway: false, consoletest.ErrorAfter: true,
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			s := newAccountEnv(t, grantworld.Options())
			s.console.AddFault(consoletest.Fault{Name: fault, Path: "/users", Method: http.MethodPost, Times: 1})
			g := newRequestGate(s.grantEnv)
			g.blockPath("/users", consoleCall{method: http.MethodPost})
			run := s.startUser("dora")
			g.untilBlocked(1)
			c := &cancelledRequest{stalledRequest: &stalledRequest{grantEnv: s.grantEnv, run: run}}
			cancelByUpdate(c)
			require.NoError(t, c.cancelErr)
			g.open()
			got := s.result(run)
			s.requireReceipt(got)
			if created {
				s.requireCreated(access.User, "dora", got)
				return
			}
			require.Equal(t, "cancelled", got.State, got.Message)
			require.Equal(t, access.NotApplied, got.Outcome)
			require.Empty(t, s.accountsNamed(access.User, "dora"))
		})
	}
}

// Every fault hits one POST of eight requests for users and eight for service users. Each
// ends with exactly one account, or is refused and leaves none.
func TestFaults_EveryKindAtCreations(t *testing.T) {
	t.Parallel()
	s := newAccountEnv(t, grantworld.Options())
	refusals := 0
	for _, path := range []string{"/users", "/service-users"} {
		for _, kind := range consoletest.FaultKinds() {
			if listOnlyFaults[kind] {
				continue
			}
			if isFinalFault(kind) {
				refusals++
			}
			s.console.AddFault(consoletest.Fault{
				Name: kind, Path: path, Method: http.MethodPost, Times: 1, Delay: 3 * time.Second,
			})
		}
	}
	runs := map[string]client.WorkflowRun{}
	for i := range 8 {
		runs[fmt.Sprint("user", i)] = s.startUser(fmt.Sprint("user", i))
		runs[fmt.Sprint("svc", i)] = s.startServiceUser(fmt.Sprint("svc", i))
	}
	refused := 0
	for name, run := range runs {
		kind := access.User
		if strings.HasPrefix(name, "svc") {
			kind = access.ServiceUser
		}
		got := s.result(run)
		s.requireReceipt(got)
		if got.State != "refused" {
			s.requireCreated(kind, name, got)
			continue
		}
		refused++
		require.NotEmpty(t, got.Message)
		if got.Outcome == access.Created { // its token was lost, and the console generated no other
			require.Contains(t, got.Message, "("+s.accountsNamed(kind, name)[0].ID+") exists with role")
			continue
		}
		require.Empty(t, s.accountsNamed(kind, name))
	}
	require.LessOrEqual(t, refused, refusals)
	s.requireLedger()
}

// The answer with the token is lost, and the console makes no other token and deletes nothing: the receipt of the
// refused request says that the service user exists, and holds.
func TestProvision_TokenIsLost(t *testing.T) {
	t.Parallel()
	o := grantworld.Options()
	o.NoTokenGeneration = true
	s := newAccountEnv(t, o)
	const path = "/service-users"
	s.console.AddFault(consoletest.Fault{Name: consoletest.ErrorAfter, Path: path, Method: http.MethodPost, Times: 1})
	s.console.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: path, Method: http.MethodDelete, Times: 1})
	got := s.result(s.startServiceUser("svc"))
	s.requireReceipt(got)
	require.Equal(t, "refused", got.State, got.Message)
	require.Equal(t, access.Created, got.Outcome)
	require.Contains(t, got.Message, "its token is lost")
	require.Len(t, s.accountsNamed(access.ServiceUser, "svc"), 1)
}

// Whatever the console answers to a deletion, the principal is gone in the end, verified by
// two reads.
func TestFaults_EveryKindAtOffboarding(t *testing.T) {
	t.Parallel()
	s := newAccountEnv(t, grantworld.Options())
	runs := map[consoletest.FaultKind]client.WorkflowRun{}
	for _, kind := range consoletest.FaultKinds() {
		if listOnlyFaults[kind] {
			continue
		}
		p := s.world.AddUser(string(kind) + "@example.com")
		s.console.AddFault(consoletest.Fault{
			Name: kind, Path: "/users/" + p.ID, Method: http.MethodDelete, Times: 2, Delay: 3 * time.Second,
		})
		runs[kind] = s.startOffboard(string(kind), p, nil)
	}
	for kind, run := range runs {
		got := s.result(run)
		require.Equal(t, "offboarded", got.State, kind)
		require.Equal(t, access.Deleted, got.Outcome, kind)
		require.Empty(t, s.accountsNamed(access.User, string(kind)+"@example.com"), kind)
		proof := got.Receipt.Proofs[0]
		require.True(t, proof.Confirmed, kind)
		n := len(proof.Reads)
		require.True(t, proof.Reads[n-1].Gone && proof.Reads[n-2].Gone, "%s: gone twice", kind)
		s.requireReceipt(got)
	}
	s.requireLedger()
}

// Offboarding ends leases on the principal: their grants end superseded. Offboarding to a
// baseline leaves that one role.
func TestOffboard_TakesGrantsOver(t *testing.T) {
	t.Parallel()
	s := newAccountEnv(t, grantworld.Options())
	other := s.withUser("carol@example.com")
	leaves := s.startGrant("/leaves", s.input("45s"))
	stays := other.startGrant("/stays", other.input("45s"))
	s.untilHolds(true)
	other.untilHolds(true)
	tenant := access.Holding{Level: access.Tenant, RoleID: s.viewer.RoleID}
	gone := s.result(s.startOffboard("gone", s.user, nil))
	require.Equal(t, access.Deleted, gone.Outcome)
	base := s.result(s.startOffboard("base", other.user, &wire.Baseline{
		Role: access.RoleSelector{ID: tenant.RoleID}, Scope: access.ScopeSelector{Level: access.Tenant},
	}))
	require.Equal(t, access.Applied, base.Outcome)
	want := access.Holdings{Level: access.Tenant, Held: []access.HeldRole{grantworld.Role(tenant)}}
	require.Equal(t, want, other.holdings())
	for _, run := range []client.WorkflowRun{leaves, stays} {
		got := s.result(run)
		require.Equal(t, "expired", got.State)
		require.Equal(t, access.Superseded, got.Outcome)
		s.requireReceipt(got)
	}
	require.Equal(t, want, other.holdings())
	require.Empty(t, s.accountsNamed(access.User, s.user.Name))
	s.requireLedger()
}

// The user who owns the API token cannot be offboarded. A service user that is retired is
// deleted.
func TestOffboard_OwnUserAndServiceUser(t *testing.T) {
	t.Parallel()
	s := newAccountEnv(t, grantworld.Options())
	kind, id := s.addTokenOwner()
	own := s.result(s.startOffboard("own", access.Principal{Kind: kind, ID: id}, nil))
	require.Equal(t, "refused", own.State)
	require.Contains(t, own.Message, "owns the API token")

	s.requireCreated(access.ServiceUser, "ci", s.result(s.startServiceUser("ci")))
	retired := s.result(s.startOffboard("ci", s.accountsNamed(access.ServiceUser, "ci")[0], nil))
	require.Equal(t, access.Deleted, retired.Outcome)
	require.Empty(t, s.accountsNamed(access.ServiceUser, "ci"))
}

// The token of a service user is in its file and nowhere else: not after a normal run, not
// after a truncated answer, and not where the token program prints it.
func TestCanary_TokensOfServiceUsersAppearNowhere(t *testing.T) {
	t.Parallel()
	o := grantworld.Options()
	o.Token, o.SecretMark = tokenCanary, registrationCanary
	s := newAccountEnv(t, o)
	var seen []string
	check := func(name string) {
		got := s.result(s.startServiceUser(name))
		s.requireCreated(access.ServiceUser, name, got)
		id := got.Receipt.Request
		value, err := s.client.QueryWorkflow(s.ctx(), id, "", wire.StatusQuery)
		require.NoError(t, err)
		var status wire.RequestStatus
		require.NoError(t, value.Get(&status))
		seen = append(seen, toJSON(t, got), toJSON(t, status), historyJSON(t, s.stack, id))
	}
	check("good")
	for _, kind := range []consoletest.FaultKind{consoletest.CutAfter, consoletest.Truncated, consoletest.ErrorAfter} {
		s.console.AddFault(consoletest.Fault{Name: kind, Method: http.MethodPost, Path: "/service-users", Times: 2})
		check(string(kind))
	}
	_, err := s.worker.Stop(limit)
	require.NoError(t, err)

	loud := filepath.Join(t.TempDir(), "loud")
	require.NoError(t, os.WriteFile(loud, []byte("#!/bin/sh\necho \"cannot keep $(cat)\" >&2\nexit 1\n"), 0o700))
	s.extraEnv = []string{"SERVICE_USER_TOKEN_COMMAND=" + loud}
	s.startWorker()
	waiting := s.startServiceUser("loud")
	require.Eventually(t, func() bool {
		return strings.Contains(s.workerOutput.String(), "did not store the token")
	}, limit, 50*time.Millisecond)
	require.NoError(t, s.client.CancelWorkflow(s.ctx(), waiting.GetID(), ""))
	require.Equal(t, "cancelled", s.result(waiting).State)
	require.Empty(t, s.accountsNamed(access.ServiceUser, "loud"), "a cancelled request leaves no account")
	seen = append(seen, historyJSON(t, s.stack, waiting.GetID()))
	_, err = s.worker.Stop(limit)
	require.NoError(t, err)
	seen = append(append(seen, s.workerOutput.String()), databaseBytes(t, s.database)...)
	requireNoSecrets(t, seen)
	require.Contains(t, strings.Join(seen, ""), s.requested.RoleID, "the search looks at real text")
}
