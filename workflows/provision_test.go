package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// accounts is the environment of a request for an account.
type accounts struct {
	*testEnv

	id string
}

func newAccounts(t *testing.T, id string) *accounts {
	t.Helper()
	s := &accounts{testEnv: newTestEnv(t), id: id}
	s.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: id, TaskQueue: wire.DefaultTaskQueue})
	activities.NewRequest(nil, nil).Register(s)
	activities.NewAccounts(nil, nil, nil, nil).Register(s)
	s.on(wire.StopActivity, mock.Anything).Return(wire.StopResult{Signed: access.Unsigned}, nil).Maybe()
	return s
}

var (
	socRole = access.RoleSelector{Name: "SOC"}
	berlin  = access.ScopeSelector{Level: access.SiteLevel, Name: "Acme / Berlin"}
)

func anaInput() wire.ProvisionUserInput {
	return wire.ProvisionUserInput{
		Email: "ana@example.com", FullName: "Ana Roy", Role: socRole, Scope: berlin, Requester: "bob@example.com",
		Reason: "INC-42",
	}
}

func (s *accounts) info() wire.RequestInfo {
	return wire.RequestInfo{ID: s.id, Run: snapshot, StartedAt: began}
}

func anaPlan() access.Plan {
	return access.Plan{
		Op: access.OpCreate, Console: host, Principal: access.PrincipalRef{Kind: access.User, Email: "ana@example.com"},
		Role: access.RoleRef{ID: "7", Name: "SOC"}, Scope: access.ScopeRef{Level: access.SiteLevel, ID: "100"},
		Account: &access.NewAccount{Kind: access.User, Email: "ana@example.com", Name: "Ana Roy"},
		Before:  access.Holdings{}.Normal(), After: access.Holdings{}.Normal(),
	}.Seal()
}

// plans mocks the plan of Ana's account.
func (s *accounts) plans(dry bool) *testsuite.MockCallWrapper {
	return s.on(wire.PlanActivity, wire.PlanInput{
		Request: s.info(), Op: access.OpCreate, Role: socRole, Scope: berlin, DryRun: dry,
		Account: &access.NewAccount{Kind: access.User, Email: "ana@example.com", Name: "Ana Roy"},
		Terms:   access.Terms{Requester: "bob@example.com", Reason: "INC-42"},
	})
}

func (s *accounts) createInput(callOff bool) wire.CreateInput {
	return wire.CreateInput{
		Request: s.info(), Key: s.id + "#" + snapshot + "/create", Plan: anaPlan(), Cancel: callOff,
	}
}

func (s *accounts) creates(callOff bool) *testsuite.MockCallWrapper {
	return s.on(wire.UserCreateActivity, s.createInput(callOff))
}

func created(o access.Outcome) wire.CreateResult {
	return wire.CreateResult{Proof: access.Proof{
		Op: access.OpCreate, Outcome: o, Reads: []access.Read{},
		Before: access.Holdings{}.Normal(), After: access.Holdings{}.Normal(),
	}}
}

// closes mocks the receipt.
func (s *accounts) closes() {
	s.OnActivity(wire.CloseActivity, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in wire.CloseInput) (wire.CloseResult, error) {
			out := access.Receipt{
				Request: in.Request.ID, State: in.State, Message: in.Message, Proofs: in.Proofs, Plan: in.Plan,
			}
			if n := len(in.Proofs); n > 0 {
				out.Outcome = in.Proofs[n-1].Outcome
			}
			return wire.CloseResult{Receipt: out.Seal()}, nil
		}).Once()
}

func (s *accounts) provision() { s.ExecuteWorkflow(wire.ProvisionUserType, anaInput()) }

func (s *accounts) ended() wire.RequestResult {
	s.t.Helper()
	require.True(s.t, s.IsWorkflowCompleted())
	require.NoError(s.t, s.GetWorkflowError())
	var out wire.RequestResult
	require.NoError(s.t, s.GetWorkflowResult(&out))
	return out
}

func TestProvisionUser_Outcomes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		made           wire.CreateResult
		state, message string
	}{
		"created":      {created(access.Created), "provisioned", ""},
		"already held": {created(access.AlreadyHeld), "provisioned", ""},
		"refused": {
			wire.CreateResult{
				Proof: created(access.NotApplied).Proof, Refused: true, Message: "the address is taken",
			},
			"refused", "the address is taken",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAccounts(t, wire.ProvisionID("INC-42"))
			s.plans(false).Return(wire.PlanResult{Plan: anaPlan()}, nil).Once()
			s.creates(false).Return(c.made, nil).Once()
			s.closes()
			s.provision()
			got := s.ended()
			require.Equal(t, c.state, got.State)
			require.Equal(t, c.message, got.Message)
			require.Equal(t, c.made.Proof.Outcome, got.Outcome)
			require.Equal(t, []access.Proof{c.made.Proof}, got.Receipt.Proofs)
		})
	}
}

// What cannot be carried out ends with the plan's own receipt; a dry run ends with the
// plan. Nothing is sent.
func TestProvisionUser_EndsWithThePlan(t *testing.T) {
	t.Parallel()
	s := newAccounts(t, wire.ProvisionID("INC-42"))
	refused := wire.PlanResult{Plan: anaPlan(), Receipt: &access.Receipt{State: "refused"}}
	s.plans(false).Return(refused, nil).Once()
	s.provision()
	require.Equal(t, "refused", s.ended().State)

	s = newAccounts(t, wire.ProvisionID("INC-42"))
	s.plans(true).Return(wire.PlanResult{Plan: anaPlan()}, nil).Once()
	in := anaInput()
	in.DryRun = true
	s.ExecuteWorkflow(wire.ProvisionUserType, in)
	require.Equal(t, "planned", s.ended().State)
	require.Equal(t, anaPlan(), *s.ended().Plan)
}

// A plan that cannot be made fails the workflow under its own type, with a receipt; a
// console that finally refuses before anything was sent ends it refused.
func TestProvisionUser_Failures(t *testing.T) {
	t.Parallel()
	s := newAccounts(t, wire.ProvisionID("INC-42"))
	s.plans(false).Return(failing[wire.PlanInput, wire.PlanResult](forbidden())).Once()
	s.closes()
	s.provision()
	require.Equal(t, "Forbidden", s.failure().Type())

	s = newAccounts(t, wire.ProvisionID("INC-42"))
	s.plans(false).Return(wire.PlanResult{Plan: anaPlan()}, nil).Once()
	s.creates(false).Return(failing[wire.CreateInput, wire.CreateResult](forbidden())).Once()
	s.closes()
	s.provision()
	require.Equal(t, "refused", s.ended().State)
	require.Contains(t, s.ended().Message, "403")
}

// A console that is down is waited for.
func TestProvisionUser_WaitsForTheConsole(t *testing.T) {
	t.Parallel()
	s := newAccounts(t, wire.ProvisionID("INC-42"))
	s.plans(false).Return(wire.PlanResult{Plan: anaPlan()}, nil).Once()
	s.creates(false).Return(failing[wire.CreateInput, wire.CreateResult](errDown)).Times(9)
	s.creates(false).Return(created(access.Created), nil).Once()
	s.closes()
	s.provision()
	require.Equal(t, "provisioned", s.ended().State)
}

// Cancelled at each step, it ends with the whole account or with none, and the update
// answers which.
func TestProvisionUser_Cancelled(t *testing.T) {
	t.Parallel()
	const (
		byCarol    = "cancelled by carol@example.com"
		inTemporal = "cancelled in Temporal"
		late       = " too late: the account was created"
	)
	cases := map[string]struct {
		how     string // update, or cancellation in Temporal
		while   string
		became  access.Outcome // what the second look finds
		state   string
		message string
	}{
		"update while planning":     {"update", "plan", "", "cancelled", byCarol},
		"cancelled while planning":  {"cancel", "plan", "", "cancelled", inTemporal},
		"update, nothing made":      {"update", "create", access.NotApplied, "cancelled", byCarol},
		"cancelled, nothing made":   {"cancel", "create", access.NotApplied, "cancelled", inTemporal},
		"update too late":           {"update", "create", access.Created, "provisioned", byCarol + late},
		"cancelled too late":        {"cancel", "create", access.Created, "provisioned", inTemporal + late},
		"update, then looked often": {"update", "often", access.NotApplied, "cancelled", byCarol},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAccounts(t, wire.ProvisionID("INC-42"))
			plan := s.plans(false)
			if c.while == "plan" {
				plan = plan.After(time.Hour)
			}
			plan.Return(wire.PlanResult{Plan: anaPlan()}, nil).Maybe()
			s.creates(false).After(time.Hour).Return(created(access.Created), nil).Maybe()
			if c.while == "often" {
				final := temporal.NewNonRetryableApplicationError("odd", "Invalid", nil)
				s.creates(true).Return(wire.CreateResult{}, final).Twice()
			}
			s.creates(true).Return(created(c.became), nil).Maybe()
			s.closes()
			var answer *wire.RequestAnswer
			if c.how == "cancel" {
				s.at(time.Minute, s.CancelWorkflow)
			} else {
				s.mustUpdate(time.Minute, wire.CancelUpdate, wire.StopInput{By: "carol@example.com"}, func(got any) {
					said, _ := got.(wire.RequestAnswer)
					answer = &said
				})
			}
			s.provision()
			got := s.ended()
			require.Equal(t, c.state, got.State)
			require.Equal(t, c.message, got.Message)
			require.Equal(t, c.became, got.Outcome)
			if c.how == "update" {
				require.Equal(t, &wire.RequestAnswer{State: c.state, Outcome: c.became}, answer)
			}
		})
	}
}

func TestProvision_WrongInput(t *testing.T) {
	t.Parallel()
	past := began.Add(-time.Hour)
	cases := map[string]struct {
		kind string
		in   any
		want []string
	}{
		"nothing": {
			wire.ProvisionUserType,
			map[string]any{},
			[]string{"email is", "fullName is missing", "role: give one", "scope.level is", "requester is missing"},
		},
		"unknown field": {
			wire.ProvisionUserType, map[string]any{"password": "x"}, []string{"password"},
		},
		"service user without an end of its token": {
			wire.ProvisionServiceUserType,
			map[string]any{"name": "ci", "requester": "bob@example.com"},
			[]string{"tokenExpiresAt", "tokenLife"},
		},
		"two ends": {
			wire.ProvisionServiceUserType,
			map[string]any{"name": "ci", "tokenLife": "1h", "tokenExpiresAt": "2030-01-01T00:00:00Z"},
			[]string{"give one of tokenExpiresAt"},
		},
		"an end that is past": {
			wire.ProvisionServiceUserType,
			map[string]any{"name": "ci", "tokenExpiresAt": past.Format(time.RFC3339)},
			[]string{"tokenExpiresAt is 2026-11-02T08:00:00Z"},
		},
		"no life": {
			wire.ProvisionServiceUserType,
			map[string]any{"name": "a=b", "tokenLife": "0s"},
			[]string{"tokenLife is 0s", "rejects < > ="},
		},
		"no mode": {
			wire.OffboardType,
			map[string]any{"principal": map[string]any{"kind": "user"}},
			[]string{`mode is ""`, "principal: give one of email", "requester is missing"},
		},
		"delete with a baseline": {
			wire.OffboardType,
			map[string]any{"mode": "delete", "baseline": map[string]any{}},
			[]string{"baseline is set, but mode is delete"},
		},
		"baseline without one": {
			wire.OffboardType, map[string]any{"mode": "baseline"}, []string{"baseline is missing"},
		},
		"baseline without a role": {
			wire.OffboardType,
			map[string]any{"mode": "baseline", "baseline": map[string]any{}},
			[]string{"baseline: role: give one", "baseline: scope.level is"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAccounts(t, "any")
			s.ExecuteWorkflow(c.kind, c.in)
			err := s.GetWorkflowError()
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// The end of a token that is asked for as a life counts from the request, to the second.
func TestProvisionServiceUser(t *testing.T) {
	t.Parallel()
	s := newAccounts(t, wire.ProvisionID("INC-43"))
	life := access.Duration(720 * time.Hour)
	account := access.NewAccount{
		Kind: access.ServiceUser, Name: "ci", Description: "builds", TokenExpiresAt: began.Add(720 * time.Hour),
	}
	plan := anaPlan()
	plan.Account = &account
	s.on(wire.PlanActivity, wire.PlanInput{
		Request: s.info(), Op: access.OpCreate, Role: socRole, Scope: berlin, Account: &account,
		Terms: access.Terms{Requester: "bob@example.com"},
	}).Return(wire.PlanResult{Plan: plan}, nil).Once()
	out := created(access.Created)
	out.Proof.Token = &access.TokenPlace{Sink: "file", Path: host + "/7.token", ExpiresAt: account.TokenExpiresAt}
	in := s.createInput(false)
	in.Plan = plan
	s.on(wire.ServiceUserCreateActivity, in).Return(out, nil).Once()
	s.closes()
	s.ExecuteWorkflow(wire.ProvisionServiceUserType, wire.ProvisionServiceUserInput{
		Name: "ci", Description: "builds", Role: socRole, Scope: berlin, TokenLife: &life, Requester: "bob@example.com",
	})
	require.Equal(t, "provisioned", s.ended().State)
	require.Equal(t, out.Proof.Token, s.ended().Receipt.Proofs[0].Token)
}

// A cancellation needs a name.
func TestProvisionUser_CancelIsRefused(t *testing.T) {
	t.Parallel()
	s := newAccounts(t, wire.ProvisionID("INC-42"))
	s.plans(false).Return(wire.PlanResult{Plan: anaPlan()}, nil).Once()
	s.creates(false).After(time.Hour).Return(created(access.Created), nil).Once()
	s.closes()
	var rejected error
	s.update(time.Minute, wire.CancelUpdate, wire.StopInput{},
		func(err error) { rejected = err }, func(any, error) {})
	s.provision()
	require.Equal(t, "provisioned", s.ended().State)
	require.ErrorContains(t, rejected, `"by" is missing`)
}
