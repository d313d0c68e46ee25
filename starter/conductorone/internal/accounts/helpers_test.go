package accounts_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/selector"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/accounts"
	"sentinelone-provisioner/starter/conductorone/internal/evidence"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/storetest"
)

const (
	consoleName = "acmeco.sentinelone.net"
	requester   = "conductorone"
)

var now = time.Date(2026, 3, 3, 14, 0, 0, 0, time.UTC)

// fakeRequests answers each request as the test says, and keeps what was started.
type fakeRequests struct {
	mu      sync.Mutex
	started []requestclient.NewRequest
	answers []requestrecord.Observation // one for each request; the last one again
	before  requestrecord.Observation
	onAwait func(requestclient.NewRequest) // while a request is awaited; nil for nothing

	cancelled []string
	err       error

	forged  bool               // the ledger has nothing of the request
	earlier []authority.Record // of runs before it
	tamper  func(*access.Plan) // what the ledger's plan differs in; nil for nothing
	told    requestrecord.Observation

	last    evidence.Latest // what the console has shown last of anybody
	look    access.Plan     // of a dry run
	lookErr error
	looked  []requestclient.NewRequest
}

func (f *fakeRequests) Await(
	_ context.Context, r requestclient.NewRequest, until func(wire.RequestStatus) bool,
) (requestrecord.Observation, ledger.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started = append(f.started, r)
	if f.onAwait != nil {
		f.onAwait(r)
	}
	if f.err != nil {
		return requestrecord.Observation{}, ledger.Run{}, f.err
	}
	out := f.answers[min(len(f.started), len(f.answers))-1]
	if out.Status != nil {
		until(*out.Status)
	}
	f.told = out
	return out, ledger.Run{Request: r.ID, ID: "run-2"}, nil
}

func (f *fakeRequests) DryRun(_ context.Context, r requestclient.NewRequest) (access.Plan, error) {
	f.looked = append(f.looked, r)
	return f.look, f.lookErr
}

// fakeLedger proves what a request of [fakeRequests] has told last, unless it is forged: that its plan is the one that
// was requested, as a worker makes it.
type fakeLedger struct{ *fakeRequests }

func (f fakeLedger) Await(
	_ context.Context, run ledger.Run, proves func(authority.Record) bool,
) (authority.Record, error) {
	for _, r := range f.earlier {
		if r.Run == run {
			return r, nil
		}
	}
	r, err := f.record(run)
	proves(r)
	return r, err
}

func (f fakeLedger) record(run ledger.Run) (authority.Record, error) {
	if f.forged {
		return authority.Record{Run: run}, nil
	}
	plan := f.plan()
	var proofs []access.Proof
	switch state := f.told.State(); state {
	case wire.StateProvisioned:
		proofs = []access.Proof{{Op: access.OpCreate, Outcome: access.AlreadyHeld}}
	case wire.StateOffboarded:
		proofs = []access.Proof{{Op: access.OpDelete, Outcome: access.Deleted}}
	case wire.StateActive:
		proofs = []access.Proof{{Op: access.OpAcquire, Outcome: access.Applied}}
	}
	if r := f.told.Result; r != nil && r.State == wire.StateProvisioned && len(r.Receipt.Proofs) > 0 {
		proofs = r.Receipt.Proofs
	}
	return storetest.Record(run, plan, proofs...)
}

// plan is what was requested last, about the principal that was told.
func (f fakeLedger) plan() access.Plan {
	out := planned(f.started[len(f.started)-1])
	if who := f.told.PlanOrZero().Principal; who.ID != "" {
		out.Principal = who
	}
	if f.tamper != nil {
		f.tamper(&out)
	}
	return out
}

func (f fakeLedger) Runs(_ context.Context, id string) ([]authority.Record, error) {
	out := slices.Clone(f.earlier)
	if len(f.started) == 0 {
		return out, nil
	}
	r, err := f.record(ledger.Run{Request: id, ID: "run-2"})
	return append(out, r), err
}

func (f fakeLedger) Latest(context.Context, access.PrincipalRef) (evidence.Latest, error) {
	return f.last, nil
}

func (f *fakeRequests) Cancel(_ context.Context, id, _ string) error {
	f.cancelled = append(f.cancelled, id)
	return nil
}

func (f *fakeRequests) Last(context.Context, string) (requestrecord.Observation, error) {
	return f.before, nil
}

// fakeLookup has the resources that a sync saw.
type fakeLookup struct {
	seen map[string]*v2.Resource // by type and id
	err  error
}

func (f fakeLookup) Resource(_ context.Context, id *v2.ResourceId) (*v2.Resource, time.Time, error) {
	if f.err != nil {
		return nil, time.Time{}, f.err
	}
	found, ok := f.seen[id.GetResourceType()+"/"+id.GetResource()]
	if !ok {
		return nil, time.Time{}, status.Error(codes.NotFound, "not in the last sync")
	}
	return found, now.Add(-12 * time.Minute), nil
}

func (f fakeLookup) Scopes(context.Context) (selector.Scopes, error) { return store.Directory{}, f.err }

func config(r *fakeRequests, l fakeLookup) *accounts.Config {
	return &accounts.Config{
		Console: consoleName, Requester: requester, Requests: r, Ledger: fakeLedger{r}, Lookup: l,
		Now: func() time.Time { return now },
	}
}

// ended is a request that has ended.
func ended(state, message string, receipt *access.Receipt) requestrecord.Observation {
	return requestrecord.Observation{Over: true, Result: &wire.RequestResult{
		State: state, Message: message, Receipt: receipt,
	}}
}

// running is a request that runs.
func running(state, waiting string) requestrecord.Observation {
	return requestrecord.Observation{Status: &wire.RequestStatus{State: state, Waiting: waiting}}
}

// created is the receipt of an account that was created.
func created(p access.PrincipalRef) *access.Receipt {
	return &access.Receipt{Proofs: []access.Proof{{Op: access.OpCreate, Outcome: access.Created, Made: &p}}}
}

// about is the receipt of a request about a principal that was there.
func about(p access.PrincipalRef) *access.Receipt {
	return &access.Receipt{Plan: access.Plan{Principal: p}}
}

func accountInfo(t *testing.T, email string, profile map[string]any) *v2.AccountInfo {
	t.Helper()
	out, err := structpb.NewStruct(profile)
	require.NoError(t, err)
	info := v2.AccountInfo_builder{Profile: out}.Build()
	if email != "" {
		info.SetEmails([]*v2.AccountInfo_Email{v2.AccountInfo_Email_builder{Address: email, IsPrimary: true}.Build()})
	}
	return info
}

func userProfile() map[string]any {
	return map[string]any{
		"first_name": "Ana", "last_name": "Roy", "role": "Viewer", "scope": "Acme / Berlin", "reason": "CHG-7",
	}
}

func serviceUserProfile() map[string]any {
	return map[string]any{"name": "ci builds", "role": "Viewer", "scope": "tenant", "token_life": "90d"}
}

func without(all map[string]any, name string) map[string]any {
	out := maps.Clone(all)
	delete(out, name)
	return out
}

func with(all map[string]any, name string, value any) map[string]any {
	out := maps.Clone(all)
	out[name] = value
	return out
}

func resourceID(kind, id string) *v2.ResourceId {
	return v2.ResourceId_builder{ResourceType: kind, Resource: id}.Build()
}

func seen(ids ...string) fakeLookup {
	out := fakeLookup{seen: map[string]*v2.Resource{}}
	for _, id := range ids {
		out.seen[resources.User+"/"+id] = v2.Resource_builder{Id: resourceID(resources.User, id)}.Build()
	}
	return out
}

func requireCode(t *testing.T, code codes.Code, err error, words ...string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, status.Code(err), err.Error())
	for _, w := range words {
		require.Contains(t, err.Error(), w)
	}
}

func ids(started []requestclient.NewRequest) []string {
	var out []string
	for _, r := range started {
		out = append(out, r.ID)
	}
	return slices.Clone(out)
}
