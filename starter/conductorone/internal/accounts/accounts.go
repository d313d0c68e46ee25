package accounts

import (
	"context"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/selector"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/evidence"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
)

// Requests carries requests out.
type Requests interface {
	// Await signs and starts a request, or attaches to the one that runs under its id, and waits until it has ended,
	// until says so, or the connector waits no longer: then it returns the request as it runs. An ended request
	// of that id is followed by a new one. The run has the original id, by which the ledger knows it.
	Await(
		ctx context.Context, r requestclient.NewRequest, until func(wire.RequestStatus) bool,
	) (requestrecord.Observation, ledger.Run, error)
	// DryRun is the plan of a request as the worker makes it now. It asks the console, and no person.
	DryRun(ctx context.Context, r requestclient.NewRequest) (access.Plan, error)
	// Last is the latest request with that workflow id, as Temporal knows it. The zero value is none.
	Last(ctx context.Context, id string) (requestrecord.Observation, error)
	// Cancel cancels the open request with that id; it does nothing if none is open.
	Cancel(ctx context.Context, id, comment string) error
}

// Ledger says what is proven. [evidence.Reader] reads it from the worker's database. Temporal's word is not enough:
// anybody who reaches the namespace can give a workflow a result, or hand over another token.
type Ledger interface {
	// Await is the record of a run, once it proves something, or after a while.
	Await(ctx context.Context, run ledger.Run, proves func(authority.Record) bool) (authority.Record, error)
	// Runs are the records of all runs with that workflow id, oldest first.
	Runs(ctx context.Context, id string) ([]authority.Record, error)
	// Latest is what the console has shown last of a principal, as far as it is proven.
	Latest(ctx context.Context, who access.PrincipalRef) (evidence.Latest, error)
}

// Lookup reads what the last proven sync saw.
type Lookup interface {
	// Resource is the resource with that type and id, and when the sync that saw it ended. Without such a resource
	// it fails with code NotFound.
	Resource(ctx context.Context, id *v2.ResourceId) (*v2.Resource, time.Time, error)
	// Scopes are the scopes of the console by name.
	Scopes(ctx context.Context) (selector.Scopes, error)
}

// Config is what changes of accounts need.
type Config struct {
	// Console is the host of the console, with its port if it has one.
	Console string
	// Requester is the name under which the connector makes requests, as policies see it.
	Requester string
	Requests  Requests
	Lookup    Lookup
	// Ledger proves what requests have done.
	Ledger Ledger
	Now    func() time.Time

	keys tokenKeys
}

// principalOf is the principal that a resource id names; ok is false for other types.
func principalOf(id *v2.ResourceId) (p access.PrincipalSelector, ok bool) {
	kind, ref, err := resources.PrincipalOf(id)
	return access.PrincipalSelector{Kind: kind, ID: ref}, err == nil && ref != ""
}
