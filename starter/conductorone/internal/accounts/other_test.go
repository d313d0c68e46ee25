package accounts_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/tokenseal"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/accounts"
)

// planned is what people approve, of the request that is started.
func planned(r requestclient.NewRequest) access.Plan {
	of, _ := r.Input.(interface{ Spec() access.RequestSpec })
	spec := of.Spec()
	plan := access.Plan{
		Op: spec.Op, Console: consoleName, Terms: spec.Terms, Account: spec.Account, Rotation: spec.Rotation,
		Role:  access.RoleRef{ID: spec.Role.ID, Name: spec.Role.Name},
		Scope: access.ScopeRef{Level: spec.Scope.Level, ID: spec.Scope.ID, Name: spec.Scope.Name},
	}
	plan.Principal = access.PrincipalRef{Kind: spec.Principal.Kind, ID: spec.Principal.ID}
	if spec.Account != nil {
		plan.Principal = spec.Account.Ref()
	}
	plan.Terms.Reason = "of an earlier task"
	return plan
}

// A request that was attached to counts only for what ConductorOne requests: whoever may start requests can start one
// for somebody else under the same id.
func TestOtherRequest(t *testing.T) {
	t.Parallel()
	mallory := access.PrincipalRef{Kind: access.User, ID: "666", Email: "mallory@example.com"}
	other := func(p *access.Plan) {
		p.Principal = mallory
		if p.Account != nil {
			p.Account = &access.NewAccount{Kind: access.User, Email: mallory.Email}
		}
	}
	for name, c := range map[string]struct {
		state  string
		do     func(*fakeRequests) error
		differ map[string]func(*access.Plan)
	}{
		"create": {wire.StateProvisioned, func(r *fakeRequests) error {
			_, err := createUser(t, r, userProfile())
			return err
		}, map[string]func(*access.Plan){
			"account": other, "role": func(p *access.Plan) { p.Role.Name = "Admin" },
			"scope": func(p *access.Plan) { p.Scope.Name = "Acme / Paris" },
		}},
		"delete": {wire.StateOffboarded, func(r *fakeRequests) error {
			return deleteUser(r, seen("700"))
		}, map[string]func(*access.Plan){
			"principal": other, "operation": func(p *access.Plan) { p.Op = access.OpReset },
		}},
		"rotate": {wire.StateRotated, func(r *fakeRequests) error {
			s := accounts.ServiceUsers{Config: config(r, fakeLookup{})}
			s.Ledger = fakeProofs{}
			_, err := rotate(s)
			return err
		}, map[string]func(*access.Plan){"principal": other}},
		"grant_for": {wire.StateActive, func(r *fakeRequests) error {
			if state, out := invoke(t, r, nil, accounts.GrantForAction, grantForArgs()); state == failed {
				text, _ := out["error"].(string)
				return status.Error(codes.FailedPrecondition, text)
			}
			return nil
		}, map[string]func(*access.Plan){
			"principal": other, "duration": func(p *access.Plan) { p.Terms.Duration *= 2 },
		}},
	} {
		c.differ["the same"] = func(*access.Plan) {}
		for what, differ := range c.differ {
			r := &fakeRequests{answers: make([]requestrecord.Observation, 1)}
			r.onAwait = func(n requestclient.NewRequest) {
				plan := planned(n)
				differ(&plan)
				r.answers[0] = requestrecord.Observation{
					Over: c.state != wire.StateActive, Status: &wire.RequestStatus{State: c.state, Plan: &plan},
				}
				if r.answers[0].Over {
					proofs := created(plan.Principal).Proofs
					r.answers[0] = ended(c.state, "", &access.Receipt{Plan: plan, Proofs: proofs})
				}
			}
			err := c.do(r)
			if what != "the same" {
				requireCode(t, codes.FailedPrecondition, err, "something else", "starter show")
			} else if c.state != wire.StateRotated { // which the ledger here does not show
				require.NoError(t, err, name)
			}
		}
	}
}

// The token of another service user is not handed over, whoever has it encrypted to the connector's key.
func TestRotate_OtherServiceUser(t *testing.T) {
	t.Parallel()
	for serviceUser, want := range map[string]string{"800": "a-token", "801": ""} {
		r := &fakeRequests{answers: []requestrecord.Observation{running(wire.StateAwaitingApproval, "for soc-leads")}}
		s := rotates(t, r, "")
		_, err := rotate(s)
		require.Error(t, err)
		in, is := r.started[0].Input.(*wire.RotateTokenInput)
		require.True(t, is)
		sealed, err := tokenseal.Seal(in.Recipient, "a-token")
		require.NoError(t, err)
		s.Ledger = proofsOfOther{fakeProofs{in.Recipient: sealed}, serviceUser}
		got, _ := rotate(s)
		require.Equal(t, want, got, serviceUser)
	}
}

// proofsOfOther are rotations of that service user.
type proofsOfOther struct {
	fakeProofs

	of string
}

func (p proofsOfOther) Runs(ctx context.Context, id string) ([]authority.Record, error) {
	out, err := p.fakeProofs.Runs(ctx, id)
	for i := range out {
		out[i].Plan.Plan.Principal.ID = p.of
	}
	return out, err
}
