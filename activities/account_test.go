package activities

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/wire"
)

// Both kinds are made once, however often they are asked for; the ledger knows of it
// before it is sent.
func TestCreate(t *testing.T) {
	t.Parallel()
	for _, kind := range []access.Kind{access.User, access.ServiceUser} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			m := newAccountFixture(t, consoletest.Options{})
			account := m.newUser()
			if kind == access.ServiceUser {
				account = m.newServiceUser()
			}
			in := m.input(account)
			out := m.createUntilDone(in)
			require.Equal(t, access.Created, out.Proof.Outcome, out.Message)
			there := m.accountsLike(account)
			require.Len(t, there, 1)
			require.Equal(t, in.Plan.After, there[0].Holdings())
			require.Equal(t, there[0].ID, out.Proof.Made.ID)
			require.Equal(t, in.Plan.After, out.Proof.After)
			require.Len(t, out.Proof.Writes, 1)
			require.Equal(t, http.StatusOK, out.Proof.Writes[0].Status)
			if kind == access.ServiceUser {
				m.requireToken(there[0], out.Proof.Token)
				require.Equal(t, account.Description, there[0].Description)
				require.Equal(t, account.TokenExpiresAt, there[0].TokenExpiresAt.UTC())
			}
			require.Equal(t, out, m.createUntilDone(in), "asked again, it is the first answer")
			require.Len(t, m.accountsLike(account), 1)
			require.Equal(t, []ledger.Kind{ledger.KindRequest, ledger.KindWrite, ledger.KindAnswer},
				kindsOf(m.ledger())[:3])
		})
	}
}

func kindsOf(entries []ledger.Entry) []ledger.Kind {
	out := make([]ledger.Kind, len(entries))
	for i, e := range entries {
		out[i] = e.Kind
	}
	return out
}

// endings are the faults of a POST that a console means.
var endings = []consoletest.FaultKind{
	consoletest.Forbidden, consoletest.Unauthorized, consoletest.Conflict, consoletest.NotFound,
}

// Whatever goes wrong at the request that makes an account, and however often: in the
// end there is exactly one, or none and a reason; a token that was lost is replaced, on
// consoles with a call for that and on those without.
func TestCreate_Faults(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		for _, kind := range consoletest.FaultKinds() {
			if kind == consoletest.EmptyPage || kind == consoletest.Vanish || kind == consoletest.Slow {
				continue // of lists; and what is slow is no fault here
			}
			of := &accountFixture{}
			for _, account := range []access.NewAccount{of.newUser(), of.newServiceUser()} {
				t.Run(string(kind)+" "+string(account.Kind)+map[bool]string{true: " old"}[old], func(t *testing.T) {
					t.Parallel()
					newAccountFixture(t, consoletest.Options{
						NoTokenGeneration: old, NoServiceUserByID: old,
					}).makeWhile(kind, account)
				})
			}
		}
	}
}

func (m *accountFixture) makeWhile(kind consoletest.FaultKind, account access.NewAccount) {
	in := m.input(account)
	f := m.addFault(consoletest.Fault{Name: kind, Method: http.MethodPost})
	out := m.createUntilDone(in)
	require.True(m.t, kind == consoletest.Stale || m.console.FaultsFired(f) > 0)
	there := m.accountsLike(account)
	if slices.Contains(endings, kind) {
		require.True(m.t, out.Refused)
		require.NotEmpty(m.t, out.Message)
		require.Empty(m.t, there)
		return
	}
	require.False(m.t, out.Refused, out.Message)
	require.Equal(m.t, access.Created, out.Proof.Outcome)
	require.Len(m.t, there, 1)
	require.Equal(m.t, there[0].ID, out.Proof.Made.ID)
	if account.Kind == access.ServiceUser {
		m.requireToken(there[0], out.Proof.Token)
	}
}

// A user who is there already is not touched: it has the role, or a grant is the way.
func TestCreateUser_ThereAlready(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	in := m.input(m.newUser())
	held := access.HeldRole{RoleID: m.role.ID, ScopeID: m.site.ID}
	id, err := m.console.AddUser(access.Principal{
		Email: "Ana@Example.com", Name: "Ana", Level: access.SiteLevel, Held: []access.HeldRole{held},
	})
	require.NoError(t, err)
	plan, err := executeFor[wire.PlanResult](m, wire.PlanActivity, m.planInput(m.newUser()))
	require.NoError(t, err)
	require.Equal(t, access.AlreadyHeld, plan.Plan.Expected)
	require.Equal(t, id, plan.Plan.Principal.ID)
	out := m.createUntilDone(in)
	require.Equal(t, access.AlreadyHeld, out.Proof.Outcome, "it came up after the plan was made")
	require.False(t, out.Refused)
	require.Zero(t, m.posts("/users"))

	other := newAccountFixture(t, consoletest.Options{})
	in = other.input(other.newUser())
	held.ScopeID = other.console.Truth().Sites[1].ID
	id, err = other.console.AddUser(access.Principal{
		Email: "ana@example.com", Name: "Ana", Level: access.SiteLevel, Held: []access.HeldRole{held},
	})
	require.NoError(t, err)
	plan, err = executeFor[wire.PlanResult](other, wire.PlanActivity, other.planInput(other.newUser()))
	require.NoError(t, err)
	require.Contains(t, plan.Plan.Refusal, "by principal id "+id)
	out = other.createUntilDone(in)
	require.True(t, out.Refused)
	require.Contains(t, out.Message, "by principal id "+id)
	require.Zero(t, other.posts("/users"))
}

// An address that is taken where the token cannot see is said to be so, whichever way
// the console says it.
func TestCreateUser_HiddenAddress(t *testing.T) {
	t.Parallel()
	for _, as400 := range []bool{false, true} {
		m := newAccountFixture(t, consoletest.Options{
			HiddenEmails: []string{"ana@example.com"}, TakenEmailIs400: as400,
		})
		out := m.createUntilDone(m.input(m.newUser()))
		require.True(t, out.Refused)
		require.Contains(t, out.Message, "that this worker's token cannot see")
		require.Equal(t, access.NotApplied, out.Proof.Outcome)
		require.Len(t, out.Proof.Writes, 1, "the receipt shows what the console said")
		require.Equal(t, 1, m.posts("/users"))
	}
}

// Somebody else makes the user between our look and our request.
func TestCreateUser_SomebodyIsFaster(t *testing.T) {
	t.Parallel()
	for _, as400 := range []bool{false, true} {
		m := newAccountFixture(t, consoletest.Options{TakenEmailIs400: as400})
		in := m.input(m.newUser())
		m.console.OnRequest(func(r consoletest.Request) {
			if r.Method == http.MethodPost {
				_, _ = m.console.AddUser(access.Principal{
					Email: "ana@example.com", Name: "Ana Roy", Level: access.SiteLevel,
					Held: []access.HeldRole{{RoleID: m.role.ID, ScopeID: m.site.ID}},
				})
			}
		})
		out := m.createUntilDone(in)
		require.Equal(t, access.AlreadyHeld, out.Proof.Outcome, "it was not us who made it")
		require.False(t, out.Refused)
	}
}

// An attempt that was taken for dead has begun to send something: the next one waits.
func TestCreate_AnotherAttemptIsAtIt(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	in := m.input(m.newServiceUser())
	m.console.OnRequest(func(r consoletest.Request) {
		if r.Path == "/service-users" && r.Method == http.MethodGet {
			_, err := m.store.Append(context.Background(), m.client.Console(), ledger.NewEntry{
				Request: in.Request.ID, Key: ledger.WriteKey(in.Key, 0), Body: ledger.Write{
					Write:   access.Write{At: time.Now().UTC(), Call: "POST /service-users"},
					Account: &ledger.AccountCall{Action: ledger.CreateAccount},
				},
			})
			if err != nil {
				panic(err)
			}
		}
	})
	_, err := executeFor[wire.CreateResult](m, wire.ServiceUserCreateActivity, in)
	require.Equal(t, string(kinds.Unavailable), attempttest.ApplicationError(t, err).Type())
	require.Zero(t, m.posts("/service-users"))
	require.Equal(t, access.Created, m.createUntilDone(in).Proof.Outcome)
	require.Len(t, m.accountsLike(m.newServiceUser()), 1)
}

func TestCreateServiceUser_NameIsTaken(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	in := m.input(m.newServiceUser())
	id, err := m.console.AddServiceUser(access.Principal{Name: "ci builds"})
	require.NoError(t, err)
	plan, err := executeFor[wire.PlanResult](m, wire.PlanActivity, m.planInput(m.newServiceUser()))
	require.NoError(t, err)
	require.Contains(t, plan.Plan.Refusal, id)
	out := m.createUntilDone(in)
	require.True(t, out.Refused)
	require.Contains(t, out.Message, id)
	require.Zero(t, m.posts("/service-users"))
}

// After a request without an answer two of that name are there: nobody can tell which
// is ours, so none is touched.
func TestCreateServiceUser_TwoOfTheName(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	in := m.input(m.newServiceUser())
	m.console.AddFault(consoletest.Fault{Name: consoletest.CutAfter, Method: http.MethodPost, Times: 1})
	_, err := executeFor[wire.CreateResult](m, wire.ServiceUserCreateActivity, in)
	require.Error(t, err)
	id, err := m.console.AddServiceUser(access.Principal{Name: "ci builds"})
	require.NoError(t, err)
	out := m.createUntilDone(in)
	require.True(t, out.Refused)
	require.Contains(t, out.Message, id)
	require.Len(t, m.accountsLike(m.newServiceUser()), 2)
}

// forgetful is a sink that loses the first tokens.
type forgetful struct {
	tokensink.Sink

	loses int
}

func (f *forgetful) Put(ctx context.Context, t tokensink.Token) (access.TokenPlace, error) {
	if f.loses > 0 {
		f.loses--
		return access.TokenPlace{}, errors.New("vault is sealed")
	}
	return f.Sink.Put(ctx, t)
}

// A sink that fails costs tokens, not service users: there is one in the end, and its
// token is kept. A console that gives no new token has it made anew, three times at most.
func TestCreateServiceUser_SinkFails(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		old   bool
		loses int
		posts int
	}{"new": {false, 9, 1}, "old": {true, 2, 3}, "old and in vain": {true, 9, 3}}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newAccountFixture(t, consoletest.Options{NoTokenGeneration: c.old})
			m.storeTokensIn(&forgetful{tokensink.New(m.folder, ""), c.loses})
			out := m.createUntilDone(m.input(m.newServiceUser()))
			require.Equal(t, c.posts, m.posts("/service-users"))
			there := m.accountsLike(m.newServiceUser())
			require.Len(t, there, 1)
			require.Equal(t, access.Created, out.Proof.Outcome)
			if c.loses > c.posts && c.old {
				require.True(t, out.Refused)
				require.Contains(t, out.Message, "("+there[0].ID+") exists")
				require.Contains(t, out.Message, "its token is lost")
				return
			}
			require.False(t, out.Refused, out.Message)
			m.requireToken(there[0], out.Proof.Token)
		})
	}
}

// Whatever goes wrong while a lost token is replaced, there is one service user in the
// end; if its token is lost, the request says so.
func TestCreateServiceUser_FaultsWhileReplacing(t *testing.T) {
	t.Parallel()
	for _, kind := range consoletest.FaultKinds() {
		if kind == consoletest.EmptyPage || kind == consoletest.Vanish || kind == consoletest.Slow {
			continue
		}
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			t.Run(string(kind)+" "+method, func(t *testing.T) {
				t.Parallel()
				m := newAccountFixture(t, consoletest.Options{NoTokenGeneration: method == http.MethodDelete})
				in := m.input(m.newServiceUser())
				m.console.AddFault(consoletest.Fault{
					Name: consoletest.CutAfter, Path: "/service-users", Method: http.MethodPost, Times: 1,
				})
				_, err := executeFor[wire.CreateResult](m, wire.ServiceUserCreateActivity, in)
				require.Error(t, err)
				lost := m.accountsLike(m.newServiceUser())[0]
				f := m.addFault(consoletest.Fault{Name: kind, Path: "/service-users/" + lost.ID, Method: method})
				out := m.createUntilDone(in)
				require.True(t, kind == consoletest.Stale || m.console.FaultsFired(f) > 0)
				there := m.accountsLike(m.newServiceUser())
				require.Len(t, there, 1)
				require.Equal(t, access.Created, out.Proof.Outcome)
				if out.Refused {
					require.Contains(t, endings, kind)
					require.Contains(t, out.Message, "("+lost.ID+") exists")
					return
				}
				m.requireToken(there[0], out.Proof.Token)
			})
		}
	}
}

// A cancelled creation is completed or undone.
func TestCreate_CalledOff(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		fault   consoletest.FaultKind
		account access.NewAccount
		there   int
		outcome access.Outcome
	}{
		"nothing sent":               {"", (&accountFixture{}).newUser(), 0, access.NotApplied},
		"user made":                  {consoletest.CutAfter, (&accountFixture{}).newUser(), 1, access.Created},
		"user not made":              {consoletest.ServerError, (&accountFixture{}).newUser(), 0, access.NotApplied},
		"service user, nothing sent": {"", (&accountFixture{}).newServiceUser(), 0, access.NotApplied},
		"service user without token": {
			consoletest.CutAfter,
			(&accountFixture{}).newServiceUser(),
			0,
			access.NotApplied,
		},
		"service user that never was": {
			consoletest.ServerError,
			(&accountFixture{}).newServiceUser(),
			0,
			access.NotApplied,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newAccountFixture(t, consoletest.Options{})
			in := m.input(c.account)
			sent := 0
			if c.fault != "" {
				m.console.AddFault(consoletest.Fault{Name: c.fault, Method: http.MethodPost, Times: 1})
				m.console.AddFault(consoletest.Fault{ // it is stopped before it has looked again
					Name: consoletest.ServerError, Method: http.MethodGet, After: 2, Times: 1,
				})
				_, _ = executeFor[wire.CreateResult](m, nameOf(c.account), in)
				sent = 1
			}
			m.console.ClearFaults()
			in.Cancel = true
			out := m.createUntilDone(in)
			require.Equal(t, c.outcome, out.Proof.Outcome, out.Message)
			require.False(t, out.Refused)
			require.Len(t, m.accountsLike(c.account), c.there)
			require.Equal(t, sent, m.posts("/users")+m.posts("/service-users"), "nothing more is sent")
		})
	}
}

// An attempt that nobody waits for any more sends nothing once the account was called
// off, and has no word on how it ended.
func TestCreate_CalledOffWhileAnAttemptIsAtIt(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	in := m.input(m.newUser())
	var off wire.CreateResult
	var begun atomic.Bool
	m.console.OnRequest(func(r consoletest.Request) {
		if r.Path != "/users" || r.Method != http.MethodGet || !begun.CompareAndSwap(false, true) {
			return
		}
		later := in
		later.Cancel = true
		off = m.createUntilDone(later)
	})
	_, err := executeFor[wire.CreateResult](m, wire.UserCreateActivity, in)
	require.Equal(t, string(kinds.Unavailable), attempttest.ApplicationError(t, err).Type())
	require.Equal(t, access.NotApplied, off.Proof.Outcome)
	require.Zero(t, m.posts("/users"))
	require.Equal(t, off, m.createUntilDone(in))
}

func TestPlanAccount_Refusals(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	m.storeTokensIn(tokensink.New("", ""))
	out, err := executeFor[wire.PlanResult](m, wire.PlanActivity, m.planInput(m.newServiceUser()))
	require.NoError(t, err)
	require.Contains(t, out.Plan.Refusal, "SERVICE_USER_TOKEN_DIR")
	require.NotNil(t, out.Receipt)
	require.Equal(t, wire.StateRefused, out.Receipt.State)

	in := m.planInput(access.NewAccount{Kind: access.User, Email: "no address@", Name: "x"})
	_, err = executeFor[wire.PlanResult](m, wire.PlanActivity, in)
	require.Equal(t, string(kinds.Invalid), attempttest.ApplicationError(t, err).Type())
	in = m.planInput(m.newUser())
	in.Role.Name = "no such role"
	_, err = executeFor[wire.PlanResult](m, wire.PlanActivity, in)
	require.Equal(t, string(kinds.Invalid), attempttest.ApplicationError(t, err).Type())
}
