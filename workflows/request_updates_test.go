package workflows

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
)

// inputs are of one request of each kind.
func inputs() map[kind]struct {
	workflow string
	in       any
} {
	who := access.PrincipalSelector{Kind: access.User, ID: "7"}
	role, scope := access.RoleSelector{ID: "2"}, access.ScopeSelector{Level: access.Tenant}
	type input = struct {
		workflow string
		in       any
	}
	return map[kind]input{
		grantKind:  {wire.GrantType, wire.GrantInput{Principal: who, Role: role, Scope: scope, Requester: "bob"}},
		revokeKind: {wire.RevokeType, wire.RevokeInput{Principal: who, Role: role, Scope: scope, Requester: "bob"}},
		provisionKind: {wire.ProvisionUserType, wire.ProvisionUserInput{
			Email: "ana@example.com", FullName: "Ana", Role: role, Scope: scope, Requester: "bob",
		}},
		offboardKind: {wire.OffboardType, wire.OffboardInput{Principal: who, Mode: wire.ModeDelete, Requester: "bob"}},
		rotateKind: {wire.RotateTokenType, wire.RotateTokenInput{
			Principal: access.PrincipalSelector{Kind: access.ServiceUser, ID: "8"}, Requester: "bob",
			TokenLife: new(access.Duration(24 * time.Hour)),
		}},
	}
}

// A workflow has a handler for exactly the updates that the table accepts in some state of
// its kind of request.
func TestUpdates_HandlersFollowTheTable(t *testing.T) {
	t.Parallel()
	for k, input := range inputs() {
		for _, u := range updates {
			env := flowtest.New()
			Register(env)
			activities.NewRequest(nil, nil).Register(env)
			env.OnActivity(wire.PlanActivity, mock.Anything, mock.Anything).
				Return(wire.PlanResult{Receipt: &access.Receipt{State: wire.StateRefused}}, nil).After(time.Hour)
			env.OnActivity(wire.DecideActivity, mock.Anything, mock.Anything).
				Return(wire.DecideResult{Refusal: "too early"}, nil).Maybe()
			env.OnActivity(wire.StopActivity, mock.Anything, mock.Anything).
				Return(wire.StopResult{Refusal: "not signed"}, nil).Maybe()
			unknown := false
			env.RegisterDelayedCallback(func() {
				env.UpdateWorkflow(string(u), "", &testsuite.TestUpdateCallback{
					OnAccept: func() {}, OnComplete: func(any, error) {},
					OnReject: func(err error) { unknown = strings.Contains(err.Error(), "unknown update") },
				}, map[string]string{"by": "carol@example.com"})
			}, time.Minute)
			env.ExecuteWorkflow(input.workflow, input.in)
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, len(acceptedIn(k, u)) == 0, unknown, "%s, %s", input.workflow, u)
		}
	}
}
