package activities

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/tokenseal"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/wire"
)

// rotateFixture rotates the token of one service user, signed by bob.
type rotateFixture struct {
	*accountFixture

	ci   string // id of the service user
	keys map[string]sshtest.Key
	key  tokenseal.Key // of the one who requests it
}

func newRotateFixture(t *testing.T, o consoletest.Options) *rotateFixture {
	t.Helper()
	f := &rotateFixture{accountFixture: newAccountFixture(t, o)}
	keys, file := sshtest.People(t, "bob@example.com", "carol@example.com")
	signers, err := signing.LoadAllowedSigners(file, "")
	require.NoError(t, err)
	f.keys = keys
	f.request.CheckingSignatures(signers)
	f.accounts.authority = NewAuthority(f.store, f.client.Console(), signers)
	everything, err := policy.Parse("all", []byte(strings.Replace(testbed.AutoApprove, "rules:\n",
		"rules:\n  - {name: tokens, for: [rotateToken], autoApprove: true}\n", 1)))
	require.NoError(t, err)
	f.request.Following(everything)
	f.ci, err = f.console.AddServiceUser(access.Principal{
		Name: "ci builds", Level: access.SiteLevel,
		Held: []access.HeldRole{{RoleID: f.role.ID, ScopeID: f.site.ID}},
	})
	require.NoError(t, err)
	f.key, err = tokenseal.NewKey()
	require.NoError(t, err)
	return f
}

var tokenEnd = time.Date(2035, 3, 1, 9, 0, 0, 0, time.UTC)

// spec requests a token for a recipient; "" for the worker's own place.
func (f *rotateFixture) spec(recipient string) access.RequestSpec {
	return access.RequestSpec{
		Op: access.OpRotate, Console: f.client.Console(),
		Principal: access.PrincipalSelector{Kind: access.ServiceUser, ID: f.ci},
		Rotation:  &access.TokenRotation{ExpiresAt: tokenEnd, Recipient: recipient},
		Terms:     access.Terms{Requester: "bob@example.com", Reason: "CHG-7"},
	}
}

// planInput is the signed input for the plan.
func (f *rotateFixture) planRotation(signed access.RequestSpec) wire.PlanInput {
	f.t.Helper()
	in := wire.PlanInput{
		Request: f.info("rotate/INC-42"), Console: signed.Console, Op: signed.Op, Principal: signed.Principal,
		Rotation: signed.Rotation, Terms: signed.Terms,
	}
	s := access.RequestSignature{
		Request: signed, Signed: access.Unsigned,
		SignedAt: time.Now().UTC().Truncate(time.Second), At: time.Now().UTC(),
	}
	text, err := signing.Sign(f.t.Context(), f.keys["bob@example.com"], signing.OfRequest(in.Request.ID, s))
	require.NoError(f.t, err)
	s.Signature = text
	in.Signature = &s
	return in
}

func (f *rotateFixture) planned(in wire.PlanInput) access.Plan {
	f.t.Helper()
	out, err := executeFor[wire.PlanResult](f.accountFixture, wire.PlanActivity, in)
	require.NoError(f.t, err)
	return out.Plan
}

// rotation is the input of the change that a plan leads to.
func (f *rotateFixture) rotation(recipient string) wire.CreateInput {
	f.t.Helper()
	in := f.planRotation(f.spec(recipient))
	plan := f.planned(in)
	require.Empty(f.t, plan.Refusal)
	return rotationOf(in, plan)
}

func rotationOf(in wire.PlanInput, plan access.Plan) wire.CreateInput {
	return wire.CreateInput{
		Request: in.Request, Key: access.ChangeKey(runOf(in.Request).String(), access.OpRotate), Plan: plan,
	}
}

func (f *rotateFixture) rotateUntilDone(in wire.CreateInput) wire.CreateResult {
	f.t.Helper()
	for range 20 {
		out, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
		if err == nil {
			return out
		}
		require.False(f.t, attempttest.ApplicationError(f.t, err).NonRetryable(), "%v", err)
		f.betweenAttempts()
	}
	require.Fail(f.t, "it never ends")
	return wire.CreateResult{}
}

func (f *rotateFixture) generated() int {
	return f.posts("/service-users/" + f.ci + "/generate-api-token")
}

// requireSealed checks that the holder of the key, and nobody else, can read the token that works now, and that the
// ledger has it in no other form.
func (f *rotateFixture) requireSealed(out wire.CreateResult) {
	f.t.Helper()
	require.Equal(f.t, access.Rotated, out.Proof.Outcome, out.Message)
	require.Equal(f.t, access.SinkRecipient, out.Proof.Token.Sink)
	token, err := f.key.Open(out.Proof.Token.Sealed)
	require.NoError(f.t, err)
	require.NotEmpty(f.t, token)
	require.Equal(f.t, f.console.ServiceUserToken(f.ci), token)
	text, err := json.Marshal(out)
	require.NoError(f.t, err)
	require.NotContains(f.t, string(text), token)
	for _, e := range f.entries() {
		require.NotContains(f.t, string(e.Body), token, e.Key)
	}
}

func (f *rotateFixture) entries() []ledger.Entry {
	f.t.Helper()
	out, err := f.store.LedgerOf(f.t.Context(), f.client.Console(), "rotate/INC-42")
	require.NoError(f.t, err)
	return out
}

// A token for its requester is encrypted to the key that is signed for. Asked again, it is the same one.
func TestRotateToken_ForARecipient(t *testing.T) {
	t.Parallel()
	f := newRotateFixture(t, consoletest.Options{})
	in := f.rotation(f.key.Recipient())
	require.Contains(t, strings.Join(in.Plan.Notes, " "), f.key.Recipient(), "approvers see the key")
	out := f.rotateUntilDone(in)
	f.requireSealed(out)
	require.Equal(t, out, f.rotateUntilDone(in))
	require.Equal(t, 1, f.generated())
	require.Equal(t, in.Plan.Before, out.Proof.After, "no role has changed")
	kinds := kindsOf(f.entries())
	require.Equal(t, []ledger.Kind{
		ledger.KindSignature, ledger.KindRequest, ledger.KindWrite, ledger.KindAnswer, ledger.KindToken,
		ledger.KindProof,
	}, kinds)
}

// Without a recipient, the worker stores the token where those of new service users go.
func TestRotateToken_IntoTheSink(t *testing.T) {
	t.Parallel()
	f := newRotateFixture(t, consoletest.Options{})
	out := f.rotateUntilDone(f.rotation(""))
	require.Equal(t, access.Rotated, out.Proof.Outcome, out.Message)
	f.requireToken(access.Principal{ID: f.ci}, out.Proof.Token)
	require.Empty(t, out.Proof.Token.Sealed)
}

// A token whose answer was lost is replaced by the next attempt; what a console means ends the request, and says
// whether a token was lost.
func TestRotateToken_Faults(t *testing.T) {
	t.Parallel()
	for _, kind := range []consoletest.FaultKind{
		consoletest.CutAfter, consoletest.ServerError, consoletest.BadGateway, consoletest.RateLimited,
		consoletest.Stale, consoletest.Forbidden, consoletest.Conflict,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := newRotateFixture(t, consoletest.Options{})
			in := f.rotation(f.key.Recipient())
			f.addFault(consoletest.Fault{Name: kind, Path: "/service-users/" + f.ci, Method: http.MethodPost})
			out := f.rotateUntilDone(in)
			if kind == consoletest.Forbidden {
				require.True(t, out.Refused)
				require.Equal(t, access.NotApplied, out.Proof.Outcome)
				require.NotContains(t, out.Message, "nobody has", "no call was lost")
				return
			}
			f.requireSealed(out)
		})
	}
}

// A lost answer before a refusal is not passed over: the old token may be void.
func TestRotateToken_SaysThatATokenIsLost(t *testing.T) {
	t.Parallel()
	f := newRotateFixture(t, consoletest.Options{})
	in := f.rotation(f.key.Recipient())
	path := "/service-users/" + f.ci
	cut := f.console.AddFault(consoletest.Fault{Name: consoletest.CutAfter, Path: path, Method: http.MethodPost})
	_, err := executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
	require.Error(t, err)
	f.console.RemoveFault(cut)
	f.console.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: path, Method: http.MethodPost})
	out := f.rotateUntilDone(in)
	require.True(t, out.Refused)
	require.Contains(t, out.Message, "a token that nobody has")
	require.Contains(t, out.Message, "rotate the token again")
}

// Consoles that cannot make another token say so, and roles that the service user has got since are not approved.
func TestRotateToken_Refused(t *testing.T) {
	t.Parallel()
	old := newRotateFixture(t, consoletest.Options{NoTokenGeneration: true})
	out := old.rotateUntilDone(old.rotation(old.key.Recipient()))
	require.True(t, out.Refused)
	require.Contains(t, out.Message, "this console cannot make a new token")

	f := newRotateFixture(t, consoletest.Options{})
	in := f.rotation(f.key.Recipient())
	require.NoError(t, f.console.SetServiceUserRoles(f.ci, access.Tenant, []access.HeldRole{{RoleID: f.role.ID}}))
	out = f.rotateUntilDone(in)
	require.True(t, out.Refused)
	require.Contains(t, out.Message, "has got other roles")
	require.Zero(t, f.generated())

	late := newRotateFixture(t, consoletest.Options{})
	in = late.rotation(late.key.Recipient())
	late.elapsed = 20 * 365 * 24 * time.Hour
	out = late.rotateUntilDone(in)
	require.True(t, out.Refused)
	require.Contains(t, out.Message, "was to end at")
	require.Zero(t, late.generated())
}

// Whoever controls the namespace cannot have a token encrypted to a key of their own: not by another input of the
// activity, not without a signature, and not with the signature of another request.
func TestRotateToken_OnlyForWhoSigned(t *testing.T) {
	t.Parallel()
	f := newRotateFixture(t, consoletest.Options{})
	attacker, err := tokenseal.NewKey()
	require.NoError(t, err)

	in := f.rotation(f.key.Recipient())
	in.Plan.Rotation = &access.TokenRotation{ExpiresAt: tokenEnd, Recipient: attacker.Recipient()}
	f.requireSealed(f.rotateUntilDone(in)) // the plan is the ledger's
	before := f.generated()

	in.Plan = in.Plan.Seal()
	_, err = executeFor[wire.CreateResult](f.accountFixture, wire.TokenRotateActivity, in)
	require.Equal(t, string(kinds.Refused), attempttest.ApplicationError(t, err).Type())

	swapped := f.planRotation(f.spec(f.key.Recipient()))
	swapped.Rotation = in.Plan.Rotation
	require.NotEmpty(t, f.planned(swapped).Refusal, "another recipient than the signed one")

	unsigned := f.planRotation(f.spec(attacker.Recipient()))
	unsigned.Signature = nil
	require.Contains(t, f.planned(unsigned).Refusal, "signature is required")
	require.Equal(t, before, f.generated())
}

// A worker that verifies no signatures encrypts to nobody, whatever the policy says.
func TestRotateToken_NoSigners(t *testing.T) {
	t.Parallel()
	f := newRotateFixture(t, consoletest.Options{})
	in := f.rotation(f.key.Recipient())
	f.accounts.authority = NewAuthority(f.store, f.client.Console(), nil)
	out := f.rotateUntilDone(in)
	require.True(t, out.Refused)
	require.Equal(t, access.Unauthorized, out.Proof.Outcome)
	require.Zero(t, f.generated())

	f.request.CheckingSignatures(nil)
	again := f.planRotation(f.spec(f.key.Recipient()))
	again.Signature = nil
	require.Contains(t, f.planned(again).Refusal, "ALLOWED_SIGNERS")
}

// What has no token that can be rotated, or must not be touched, is refused before anybody is asked.
func TestPlan_RotationRefused(t *testing.T) {
	t.Parallel()
	f := newRotateFixture(t, consoletest.Options{})
	ana, err := f.console.AddUser(access.Principal{Email: "ana@example.com", Name: "Ana Roy"})
	require.NoError(t, err)
	user := f.spec(f.key.Recipient())
	user.Principal = access.PrincipalSelector{Kind: access.User, ID: ana}
	require.Contains(t, f.planned(f.planRotation(user)).Refusal, "only service users")

	bad := f.spec("age1" + strings.Repeat("q", 58))
	require.Contains(t, f.planned(f.planRotation(bad)).Refusal, "no public key of age")

	f.request.StoringTokens(tokensink.New("", ""))
	require.Contains(t, f.planned(f.planRotation(f.spec(""))).Refusal, "SERVICE_USER_TOKEN_DIR")
	require.Zero(t, f.generated())
}

// Nobody is asked about a token under a policy file that has no rule for tokens: one approval from anyone would hand
// over all roles of the service user. Under the built-in policy, one person is asked.
func TestPlan_RotationNeedsARule(t *testing.T) {
	t.Parallel()
	f := newRotateFixture(t, consoletest.Options{})
	grantsOnly, err := policy.Parse("grants", []byte(testbed.AutoApprove))
	require.NoError(t, err)
	f.request.Following(grantsOnly)
	plan := f.planned(f.planRotation(f.spec(f.key.Recipient())))
	require.Contains(t, plan.Refusal, "add a rule with for: [rotateToken]")
	require.False(t, plan.Approval.Required)

	asks := newRotateFixture(t, consoletest.Options{})
	asks.request.Following(policy.BuiltIn())
	plan = asks.planned(asks.planRotation(asks.spec("")))
	require.Empty(t, plan.Refusal)
	require.True(t, plan.Approval.Required)
	require.Zero(t, f.generated()+asks.generated())
}

// The token of the worker itself is not rotated, also where the console does not tell whose that is: it would lock the
// worker out, and hand over what the worker may do.
func TestPlan_RotationOfTheOwnToken(t *testing.T) {
	t.Parallel()
	f := newRotateFixture(t, consoletest.Options{OwnerIsServiceUser: true, TokenExpiresAt: tokenEnd})
	own, err := f.console.AddServiceUser(access.Principal{
		Name: "worker", Level: access.SiteLevel, TokenExpiresAt: new(tokenEnd),
		Held: []access.HeldRole{{RoleID: f.role.ID, ScopeID: f.site.ID}},
	})
	require.NoError(t, err)
	spec := f.spec(f.key.Recipient())
	require.Empty(t, f.planned(f.planRotation(spec)).Refusal, "another token")
	spec.Principal.ID = own
	require.Contains(t, f.planned(f.planRotation(spec)).Refusal, "may own the API token")
	require.Zero(t, f.generated())
}
