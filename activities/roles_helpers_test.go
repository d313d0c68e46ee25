package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// grantFixture is the activities of grants and revokes with a real store and a simulated
// console, whose clock, attempt and time of scheduling a test sets. Ana holds Viewer at
// the first site.
type grantFixture struct {
	t         *testing.T
	console   *consoletest.Server
	world     *grantworld.World
	client    *console.Client
	store     *store.Store
	request   *Request
	principal *Principal
	now       time.Time
	attempt   int32
	scheduled time.Time
	counted   map[string]int64
	planAs    func(*access.Plan) // changes the plans that are put on record; nil for not

	who    wire.WriterStart
	viewer access.Holding
	soc    access.Holding // at the second site
	admin  access.Holding // at the second site
}

// autoApprovePolicy is a policy under which every role is given at once.
func autoApprovePolicy(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("nobody is asked", []byte(testbed.AutoApprove))
	require.NoError(t, err)
	return p
}

func newGrantFixture(t *testing.T, o consoletest.Options, tweaks ...func(*console.Config)) *grantFixture {
	t.Helper()
	server, c := attempttest.Console(t, o, tweaks...)
	db := attempttest.Store(t)
	d := &grantFixture{
		t: t, console: server, world: grantworld.New(t, server), client: c, store: db,
		request:   NewRequest(c, db).Following(autoApprovePolicy(t)),
		principal: NewPrincipal(c, db, NewAuthority(db, c.Console(), nil)),
		now:       time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), attempt: 1, counted: map[string]int64{},
	}
	d.scheduled = d.now
	clock := func() time.Time { return d.now }
	d.request.now, d.principal.now = clock, clock
	d.viewer, d.soc, d.admin = d.world.Viewer, d.world.SOC, d.world.Admin
	d.who = d.add(access.Principal{Kind: access.User, Email: "new.ana@example.com", Name: "New Ana"})
	return d
}

// add makes a principal that holds Viewer at the first site.
func (d *grantFixture) add(p access.Principal) wire.WriterStart {
	d.t.Helper()
	return wire.WriterStart{Console: d.client.Console(), Kind: p.Kind, ID: d.world.Add(p).ID}
}

// viewerAtThirdSite is a role at the third site.
func (d *grantFixture) viewerAtThirdSite() access.Holding {
	return access.Holding{Level: access.SiteLevel, RoleID: d.admin.RoleID, ScopeID: d.console.Truth().Sites[2].ID}
}

func entry(h access.Holding) access.HeldRole {
	return access.HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID}
}

// holdings is a list of roles at sites.
func holdings(list ...access.Holding) access.Holdings {
	out := access.Holdings{Level: access.SiteLevel}
	for _, h := range list {
		out.Level = h.Level
		out.Held = append(out.Held, entry(h))
	}
	return out.Normal()
}

// held is what the principal holds on the console now.
func (d *grantFixture) held() access.Holdings { return d.heldBy(d.who) }

func (d *grantFixture) heldBy(who wire.WriterStart) access.Holdings {
	for _, p := range d.console.Truth().Principals {
		if p.ID == who.ID {
			return p.Holdings()
		}
	}
	return access.Holdings{}.Normal()
}

// editByHand replaces what the principal holds, behind our back.
func (d *grantFixture) editByHand(h access.Holdings) {
	d.t.Helper()
	set := d.console.SetUserRoles
	if d.who.Kind == access.ServiceUser {
		set = d.console.SetServiceUserRoles
	}
	require.NoError(d.t, set(d.who.ID, h.Level, h.Held))
}

// lease is the lease of a grant of that name.
func lease(id string, h access.Holding) access.Lease {
	return access.Lease{ID: "grant/" + id + "#run", Holding: h, For: access.Duration(time.Hour)}
}

// change asks for a change of the principal by the writer that knows so much.
func (d *grantFixture) change(op access.Op, l access.Lease) wire.WriteInput {
	d.requested(op, l)
	return wire.WriteInput{Writer: d.who, Change: wire.ChangeRequest{
		Key: access.ChangeKey(l.ID, op), Request: l.ID[:len(l.ID)-len("#run")], Change: access.Change{Op: op, Lease: l},
	}}
}

// requested puts the request of a change on record, with the plan that planned makes of it.
func (d *grantFixture) requested(op access.Op, l access.Lease) {
	d.t.Helper()
	RecordRequest(d.t, d.store, d.who, op, l, d.now, d.planAs)
}

// proven puts on record what is known of the principal, as another request's proof would.
func (d *grantFixture) proven(known access.OwnershipState) {
	d.t.Helper()
	key := access.ChangeKey("grant/other#run", access.OpAcquire)
	_, err := d.store.Append(d.t.Context(), d.who.Console, ledger.NewEntry{
		Request: "grant/other", Key: ledger.ProofKey(key), At: d.now, Body: ledger.Proof{
			Principal: &ledger.Subject{Kind: d.who.Kind, ID: d.who.ID},
			Proof:     access.Proof{Op: access.OpAcquire, Key: key}, Roles: &ledger.RoleProof{Next: known},
		},
	})
	require.NoError(d.t, err)
}

// write is one attempt. What is known from then on is added from the ledger: the answer has the
// leases alone.
func (d *grantFixture) write(in wire.WriteInput) (wire.WriteResult, error) {
	d.t.Helper()
	out, err := executeActivity[wire.WriteResult](d, wire.WriteActivity, in)
	require.Equal(d.t, out.Next.LeasesOnly().Digest(), out.Next.Digest())
	if err == nil {
		out.Next = d.known()
	}
	return out, err
}

// known is what the ledger says of the principal.
func (d *grantFixture) known() access.OwnershipState {
	d.t.Helper()
	w := d.principal.attempt(wire.WriteInput{Writer: d.who})
	require.NoError(d.t, w.loadOwnership(d.t.Context()))
	return w.known
}

// mustWrite is an attempt that must succeed.
func (d *grantFixture) mustWrite(in wire.WriteInput) wire.WriteResult {
	d.t.Helper()
	out, err := d.write(in)
	require.NoError(d.t, err)
	return out
}

// retriedMessage is an attempt that must ask for another one; it returns what it says.
func (d *grantFixture) retriedMessage(in wire.WriteInput) string {
	d.t.Helper()
	_, err := d.write(in)
	app := attempttest.ApplicationError(d.t, err)
	require.False(d.t, app.NonRetryable(), "%v", app)
	require.Positive(d.t, app.NextRetryDelay())
	return app.Message()
}

// untilDone makes attempts for as long as they ask for another one, some time apart.
func (d *grantFixture) untilDone(in wire.WriteInput) (wire.WriteResult, error) {
	d.t.Helper()
	defer func() { d.attempt = 1 }()
	for d.attempt = 1; ; d.attempt++ {
		out, err := d.write(in)
		if err == nil || attempttest.ApplicationError(d.t, err).NonRetryable() || d.attempt == 20 {
			return out, err
		}
		d.now = d.now.Add(max(time.Second, attempttest.ApplicationError(d.t, err).NextRetryDelay()))
	}
}

// executeActivity is one attempt at an activity.
func executeActivity[Out any](d *grantFixture, name string, in any) (Out, error) {
	d.t.Helper()
	env := attempttest.Env(&fakeAttemptInfo{desk: d})
	d.request.Register(env)
	d.principal.Register(env)
	return attempttest.Execute[Out](d.t, env, name, in)
}

// puts counts the writes that the console took, whatever became of them.
func (d *grantFixture) puts() int {
	n := 0
	for _, r := range d.console.Requests() {
		if r.Write() {
			n++
		}
	}
	return n
}

// changes lists what writes have done to the principal, in order.
func (d *grantFixture) changes() []access.Holdings {
	var out []access.Holdings
	for _, c := range d.console.Changes() {
		if c.ID == d.who.ID && c.By == consoletest.ByAPI {
			out = append(out, c.After.Normal())
		}
	}
	return out
}

// ledger lists the kinds of a request's entries, in order.
func (d *grantFixture) ledger(request string) []ledger.Kind {
	d.t.Helper()
	entries, err := d.store.LedgerOf(d.t.Context(), d.who.Console, request)
	require.NoError(d.t, err)
	kinds := []ledger.Kind{}
	for _, e := range entries {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// waitOf is why the steps of a request wait.
func (d *grantFixture) waitOf(request string) []store.Wait {
	d.t.Helper()
	list, err := d.store.WaitOf(d.t.Context(), d.who.Console, request)
	require.NoError(d.t, err)
	return list
}

// addFault puts a fault before the writes of the principal, or its reads.
func (d *grantFixture) addFault(kind consoletest.FaultKind, method string, times int) string {
	path := "/users/"
	if d.who.Kind == access.ServiceUser {
		path = "/service-users/"
	}
	return d.console.AddFault(consoletest.Fault{
		Name: kind, Method: method, Path: path + d.who.ID, Times: times, Delay: time.Hour,
	})
}

// fakeAttemptInfo tells activities the attempt, the time of scheduling and a counter of the
// desk's.
type fakeAttemptInfo struct {
	interceptor.WorkerInterceptorBase

	desk *grantFixture
}

func (p *fakeAttemptInfo) InterceptActivity(
	_ context.Context, next interceptor.ActivityInboundInterceptor,
) interceptor.ActivityInboundInterceptor {
	i := &fakeInfoInbound{desk: p.desk}
	i.Next = next
	return i
}

type fakeInfoInbound struct {
	interceptor.ActivityInboundInterceptorBase

	desk *grantFixture
}

func (i *fakeInfoInbound) Init(out interceptor.ActivityOutboundInterceptor) error {
	o := &fakeInfoOutbound{desk: i.desk}
	o.Next = out
	return i.Next.Init(o)
}

type fakeInfoOutbound struct {
	interceptor.ActivityOutboundInterceptorBase

	desk *grantFixture
}

func (o *fakeInfoOutbound) GetInfo(ctx context.Context) activity.Info {
	info := o.Next.GetInfo(ctx)
	info.Attempt, info.ScheduledTime = o.desk.attempt, o.desk.scheduled
	return info
}

func (o *fakeInfoOutbound) GetMetricsHandler(context.Context) client.MetricsHandler {
	return &countingMetrics{MetricsHandler: client.MetricsNopHandler, counted: o.desk.counted}
}

// countingMetrics counts what is counted; one attempt runs at a time.
type countingMetrics struct {
	client.MetricsHandler

	counted map[string]int64
}

func (c *countingMetrics) Counter(name string) client.MetricsCounter {
	return countFunc(func(n int64) { c.counted[name] += n })
}

func (c *countingMetrics) WithTags(map[string]string) client.MetricsHandler { return c }

type countFunc func(int64)

func (c countFunc) Inc(n int64) { c(n) }
