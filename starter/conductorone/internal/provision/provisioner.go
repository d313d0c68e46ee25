package provision

import (
	"context"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"

	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
)

const (
	// DefaultRequester is the name that requests from ConductorOne have: a rule of the policy can be about it.
	DefaultRequester = "conductorone"
	// Reason is the reason of each of those requests, which its receipt has.
	Reason = "decided in ConductorOne; by whom was not told"
	// pressRetry is what people do in ConductorOne once a request can be applied, or has been.
	pressRetry = "press Retry failed provisioning"
)

// Options are what a [Provisioner] needs.
type Options struct {
	Requests  Requests
	Waiter    *Waiter
	Console   string // host and port, if any, as the worker calls the console
	Requester string // "": [DefaultRequester]
	// Ledger proves what requests have done.
	Ledger Ledger
}

// Provisioner grants and revokes role assignments. It is safe for concurrent use.
type Provisioner struct{ o Options }

var _ connectorbuilder.ResourceProvisionerV2Limited = (*Provisioner)(nil)

// New makes a provisioner.
func New(o Options) *Provisioner {
	if o.Requester == "" {
		o.Requester = DefaultRequester
	}
	return &Provisioner{o: o}
}

// Grant gives the principal the role of the entitlement at its scope. The grants are as the next sync lists them. Every
// error says what to do; one that the SDK takes as a decline says that people or the policy have decided against it.
// None has a code that makes the SDK try again: that would hold one of its few tasks for minutes.
func (p *Provisioner) Grant(
	ctx context.Context, principal *v2.Resource, e *v2.Entitlement,
) ([]*v2.Grant, annotations.Annotations, error) {
	t, err := p.targetOf(e, principal.GetId())
	if err != nil {
		return nil, nil, err
	}
	limited, stop := p.o.Waiter.Limit(ctx)
	defer stop()
	grants, annos, err := p.grant(limited, t)
	return grants, annos, explain.Read(err)
}

// Revoke removes the role of the grant at its scope from the principal.
func (p *Provisioner) Revoke(ctx context.Context, g *v2.Grant) (annotations.Annotations, error) {
	t, err := p.targetOf(g.GetEntitlement(), g.GetPrincipal().GetId())
	if err != nil {
		return nil, err
	}
	limited, stop := p.o.Waiter.Limit(ctx)
	defer stop()
	annos, err := p.revoke(limited, t)
	return annos, explain.Read(err)
}

// targetOf fails for a connector that only reads, which has no provisioner.
func (p *Provisioner) targetOf(e *v2.Entitlement, principal *v2.ResourceId) (target, error) {
	if p == nil {
		return target{}, failf("this connector only reads, as with --standalone: to provision, run it beside " +
			"a worker, without --standalone")
	}
	return targetOf(e, principal)
}

func (p *Provisioner) grantRequest(t target, dry bool) requestclient.NewRequest {
	return requestclient.NewRequest{
		Type: wire.GrantType, ID: t.grantID(p.o.Console),
		Input: &wire.GrantInput{
			Principal: t.principalSelector(), Role: t.role(), Scope: t.scope(),
			Requester: p.o.Requester, Reason: Reason, Console: p.o.Console, DryRun: dry,
		},
		Summary: "permanent grant at " + string(t.holding.Level) + " level, from ConductorOne",
	}
}

func (p *Provisioner) revokeRequest(t target, dry bool) requestclient.NewRequest {
	return requestclient.NewRequest{
		Type: wire.RevokeType, ID: t.revokeID(p.o.Console),
		Input: &wire.RevokeInput{
			Principal: t.principalSelector(), Role: t.role(), Scope: t.scope(),
			Requester: p.o.Requester, Reason: Reason, Console: p.o.Console, DryRun: dry,
		},
		Summary: "revoke at " + string(t.holding.Level) + " level, from ConductorOne",
	}
}

// isOther reports whether what runs under the id of a request is about something else, as far as its plan is known.
func isOther(t target, seen requestrecord.Observation) bool {
	plan := seen.PlanOrZero()
	return plan.Principal.ID != "" && !t.isOf(plan)
}
