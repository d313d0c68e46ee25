package accounts_test

import (
	"context"
	"strings"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/accounts"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
)

var ana = access.PrincipalRef{Kind: access.User, ID: "700", Email: "ana@example.com", Name: "Ana Roy"}

func createUser(t *testing.T, r *fakeRequests, profile map[string]any) (connectorbuilder.CreateAccountResponse, error) {
	t.Helper()
	out, secrets, _, err := accounts.Users{Config: config(r, fakeLookup{})}.CreateAccount(
		context.Background(), accountInfo(t, "ana@example.com", profile), nil)
	require.Empty(t, secrets)
	return out, err
}

func createServiceUser(
	t *testing.T, r *fakeRequests, profile map[string]any,
) (connectorbuilder.CreateAccountResponse, error) {
	t.Helper()
	out, secrets, _, err := accounts.ServiceUsers{Config: config(r, fakeLookup{})}.CreateAccount(
		context.Background(), accountInfo(t, "", profile), nil)
	require.Empty(t, secrets)
	return out, err
}

func TestCreateUser_StartsTheRequest(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{answers: []requestrecord.Observation{ended(wire.StateProvisioned, "", created(ana))}}
	out, err := createUser(t, r, userProfile())
	require.NoError(t, err)
	require.True(t, out.GetIsCreateAccountResult())
	done, is := out.(*v2.CreateAccountResponse_SuccessResult)
	require.True(t, is)
	require.Equal(t, "700", done.GetResource().GetId().GetResource())
	require.Equal(t, resources.User, done.GetResource().GetId().GetResourceType())

	require.Len(t, r.started, 1)
	started := r.started[0]
	require.Equal(t, wire.ProvisionUserType, started.Type)
	require.True(t, started.Again)
	require.Regexp(t, `^provision/c1-[a-z2-7]{16}$`, started.ID)
	require.Equal(t, &wire.ProvisionUserInput{
		Email: "ana@example.com", FullName: "Ana Roy", Role: access.RoleSelector{Name: "Viewer"},
		Scope:     access.ScopeSelector{Level: access.SiteLevel, Name: "Acme / Berlin"},
		Requester: requester, Reason: "CHG-7", Console: consoleName,
	}, started.Input)
}

func TestCreateServiceUser_StartsTheRequest(t *testing.T) {
	t.Parallel()
	ci := access.PrincipalRef{Kind: access.ServiceUser, ID: "800", Name: "ci builds"}
	r := &fakeRequests{answers: []requestrecord.Observation{ended(wire.StateProvisioned, "", created(ci))}}
	out, err := createServiceUser(t, r, serviceUserProfile())
	require.NoError(t, err)
	done, is := out.(*v2.CreateAccountResponse_SuccessResult)
	require.True(t, is)
	require.Equal(t, resources.ServiceUser, done.GetResource().GetId().GetResourceType())
	in, is := r.started[0].Input.(*wire.ProvisionServiceUserInput)
	require.True(t, is)
	require.Equal(t, access.Duration(90*24*time.Hour), *in.TokenLife)
	require.Equal(t, access.ScopeSelector{Level: access.Tenant}, in.Scope)
}

// The same wish attaches to the same request, however the address is written; another role is another request.
func TestCreate_SameWishSameRequest(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{answers: []requestrecord.Observation{running(wire.StateAwaitingApproval, "for carol")}}
	users := accounts.Users{Config: config(r, fakeLookup{})}
	for _, email := range []string{"ana@example.com", "Ana@Example.com", "bob@example.com"} {
		_, _, _, err := users.CreateAccount(context.Background(), accountInfo(t, email, userProfile()), nil)
		require.NoError(t, err)
	}
	_, err := createUser(t, r, with(userProfile(), "role", "Admin"))
	require.NoError(t, err)
	all := ids(r.started)
	require.Equal(t, all[0], all[1])
	require.NotEqual(t, all[0], all[2])
	require.NotEqual(t, all[0], all[3])
}

// What waits for people is no success: ConductorOne shows what to do.
func TestCreate_Pending(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{answers: []requestrecord.Observation{
		running(wire.StateAwaitingApproval, "for 1 of 1 from soc-leads until 2026-03-06"),
	}}
	for name, create := range map[string]func() (connectorbuilder.CreateAccountResponse, error){
		"user": func() (connectorbuilder.CreateAccountResponse, error) { return createUser(t, r, userProfile()) },
		"service user": func() (connectorbuilder.CreateAccountResponse, error) {
			return createServiceUser(t, r, serviceUserProfile())
		},
	} {
		out, err := create()
		require.NoError(t, err, name)
		pending, is := out.(*v2.CreateAccountResponse_ActionRequiredResult)
		require.True(t, is, name)
		require.True(t, pending.GetIsCreateAccountResult())
		require.Contains(t, pending.GetMessage(), "soc-leads")
		require.Contains(t, pending.GetMessage(), "starter approve provision/c1-")
		require.Contains(t, pending.GetMessage(), "create the account again")
	}
}

func TestCreate_WorkerAway(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{answers: []requestrecord.Observation{{Trouble: "no worker answers"}}}
	out, err := createUser(t, r, userProfile())
	require.NoError(t, err)
	pending, is := out.(*v2.CreateAccountResponse_ActionRequiredResult)
	require.True(t, is)
	require.Contains(t, pending.GetMessage(), "no worker answers")
}

func TestCreate_ThereAlready(t *testing.T) {
	t.Parallel()
	held := ended(wire.StateProvisioned, "", about(ana))
	out, err := createUser(t, &fakeRequests{answers: []requestrecord.Observation{held}}, userProfile())
	require.NoError(t, err)
	there, is := out.(*v2.CreateAccountResponse_AlreadyExistsResult)
	require.True(t, is)
	require.Equal(t, "700", there.GetResource().GetId().GetResource())
	require.True(t, there.GetIsCreateAccountResult())
}

// A service user that this very request made before is there already; another one of that name is a refusal.
func TestCreateServiceUser_Again(t *testing.T) {
	t.Parallel()
	ci := access.PrincipalRef{Kind: access.ServiceUser, ID: "800", Name: "ci builds"}
	refused := ended(wire.StateRefused, "a service user of that name exists already", about(ci))
	r := &fakeRequests{answers: []requestrecord.Observation{ended(wire.StateProvisioned, "", created(ci))}}
	_, err := createServiceUser(t, r, serviceUserProfile())
	require.NoError(t, err)
	before, err := fakeLedger{r}.record(ledger.Run{Request: r.started[0].ID, ID: "run-1"})
	require.NoError(t, err)

	r = &fakeRequests{earlier: []authority.Record{before}, answers: []requestrecord.Observation{refused}}
	out, err := createServiceUser(t, r, serviceUserProfile())
	require.NoError(t, err)
	require.IsType(t, &v2.CreateAccountResponse_AlreadyExistsResult{}, out)

	other := ci
	other.ID = "801"
	r.answers[0] = ended(wire.StateRefused, "a service user of that name exists already", about(other))
	_, err = createServiceUser(t, r, serviceUserProfile())
	requireCode(t, codes.FailedPrecondition, err, "a service user of that name exists already")
	r.answers, r.earlier = []requestrecord.Observation{refused}, nil
	r.before = ended(wire.StateProvisioned, "", created(ci))
	_, err = createServiceUser(t, r, serviceUserProfile())
	requireCode(t, codes.FailedPrecondition, err, "a service user of that name exists already")
}

func TestCreate_NotCarriedOut(t *testing.T) {
	t.Parallel()
	for state, code := range map[string]codes.Code{
		wire.StateDenied: codes.PermissionDenied, wire.StateTimedOut: codes.PermissionDenied,
		wire.StateCancelled: codes.PermissionDenied, wire.StateRefused: codes.FailedPrecondition,
		wire.StateFailed: codes.Internal,
	} {
		r := &fakeRequests{answers: []requestrecord.Observation{ended(state, "by carol@example.com", nil)}}
		_, err := createUser(t, r, userProfile())
		requireCode(t, code, err, "provision/c1-", "by carol@example.com", "starter show")
	}
	failed := requestrecord.Observation{Over: true, Failure: status.Error(codes.Unknown, "no role of that name")}
	_, err := createUser(t, &fakeRequests{answers: []requestrecord.Observation{failed}}, userProfile())
	requireCode(t, codes.FailedPrecondition, err, "no role of that name")
	away := &fakeRequests{err: status.Error(codes.Unavailable, "Temporal is away")}
	_, err = createUser(t, away, userProfile())
	requireCode(t, codes.Aborted, err, "Temporal is away")
}

// What ConductorOne's form lacks is said by the name of its field, and nothing is started.
func TestCreate_BadForm(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{}
	for field, profile := range map[string]map[string]any{
		"role is missing":  without(userProfile(), "role"),
		"scope is missing": without(userProfile(), "scope"),
		"level":            with(userProfile(), "scope", "Acme"),
		"fullName":         without(without(userProfile(), "first_name"), "last_name"),
	} {
		_, err := createUser(t, r, profile)
		requireCode(t, codes.InvalidArgument, err, field)
	}
	for field, profile := range map[string]map[string]any{
		"token_life is missing": without(serviceUserProfile(), "token_life"),
		"token_life":            with(serviceUserProfile(), "token_life", "soon"),
		"name is missing":       without(serviceUserProfile(), "name"),
	} {
		_, err := createServiceUser(t, r, profile)
		requireCode(t, codes.InvalidArgument, err, field)
	}
	require.Empty(t, r.started)
}

// The form asks for every field that is read, in an order of its own, and for no password.
func TestCreationSchema(t *testing.T) {
	t.Parallel()
	form := accounts.CreationSchema().GetFieldMap()
	orders := map[int32]bool{}
	for name, f := range form {
		require.NotEmpty(t, f.GetDisplayName(), name)
		require.NotEmpty(t, f.GetDescription(), name)
		require.False(t, orders[f.GetOrder()], name)
		require.NotContains(t, strings.ToLower(name), "password")
		orders[f.GetOrder()] = true
	}
	for name := range userProfile() {
		require.Contains(t, form, name)
	}
	for name := range serviceUserProfile() {
		require.Contains(t, form, name)
	}
	for _, details := range []interface {
		CreateAccountCapabilityDetails(context.Context) (
			*v2.CredentialDetailsAccountProvisioning, annotationsOf, error)
	}{accounts.Users{}, accounts.ServiceUsers{}} {
		said, _, err := details.CreateAccountCapabilityDetails(context.Background())
		require.NoError(t, err)
		require.Equal(t, []v2.CapabilityDetailCredentialOption{
			v2.CapabilityDetailCredentialOption_CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD,
		}, said.GetSupportedCredentialOptions())
	}
}
