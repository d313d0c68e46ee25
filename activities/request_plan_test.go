package activities

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// grantInput is a request for SOC at the second site for Ana.
func (d *grantFixture) grantInput() wire.PlanInput {
	return wire.PlanInput{
		Request: wire.RequestInfo{ID: "grant/1", Run: "run", StartedAt: d.now}, Op: access.OpGrant,
		Principal: access.PrincipalSelector{Kind: access.User, ID: d.who.ID},
		Role:      access.RoleSelector{ID: d.soc.RoleID},
		Scope:     access.ScopeSelector{Level: access.SiteLevel, ID: d.soc.ScopeID},
		Terms:     access.Terms{Requester: "bob@example.com", Reason: "INC-42"},
	}
}

func (d *grantFixture) plan(in wire.PlanInput) wire.PlanResult {
	d.t.Helper()
	out, err := executeActivity[wire.PlanResult](d, wire.PlanActivity, in)
	require.NoError(d.t, err)
	return out
}

// refusal is what the plan says against it, which the receipt must say too.
func (d *grantFixture) refusal(in wire.PlanInput) string {
	d.t.Helper()
	out := d.plan(in)
	require.NotEmpty(d.t, out.Plan.Refusal)
	require.NotNil(d.t, out.Receipt)
	require.Equal(d.t, wire.StateRefused, out.Receipt.State)
	require.Equal(d.t, out.Plan.Refusal, out.Receipt.Message)
	require.True(d.t, out.Receipt.Intact())
	return out.Plan.Refusal
}

// namingError is what is said of a name that is not clear, finally.
func (d *grantFixture) namingError(in wire.PlanInput) string {
	d.t.Helper()
	_, err := executeActivity[wire.PlanResult](d, wire.PlanActivity, in)
	app := attempttest.ApplicationError(d.t, err)
	require.Equal(d.t, string(kinds.Invalid), app.Type())
	require.True(d.t, app.NonRetryable())
	require.Empty(d.t, d.ledger(in.Request.ID))
	return app.Message()
}

func TestPlan_Grant(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	in := d.grantInput()
	got := d.plan(in)
	truth := d.console.Truth()
	require.Equal(t, access.Plan{
		Op: access.OpGrant, Console: d.who.Console,
		Principal: access.PrincipalRef{Kind: access.User, ID: d.who.ID, Name: "New Ana", Email: "new.ana@example.com"},
		Role:      access.RoleRef{ID: d.soc.RoleID, Name: "SOC"},
		Scope: access.ScopeRef{
			Level: access.SiteLevel, ID: d.soc.ScopeID, Name: truth.Accounts[0].Name + " / " + truth.Sites[1].Name,
		},
		Terms: in.Terms, Before: holdings(d.viewer), After: holdings(d.viewer, d.soc), Expected: access.Applied,
		Rules: access.Rules{LastRole: access.LastRoleStop}, Approval: got.Plan.Approval, Hash: got.Plan.Hash,
		Effect: &access.Effect{Gains: []access.Holding{d.soc}},
	}, got.Plan)
	require.False(t, got.Plan.Approval.Required)
	require.Equal(t, got.Plan, got.Plan.Seal())
	require.Nil(t, got.Receipt)
	require.Equal(t, []ledger.Kind{ledger.KindRequest}, d.ledger("grant/1"))
	require.Zero(t, d.puts())
}

// Repeated, it gives the plan that is in the ledger, whatever has changed since.
func TestPlan_TwiceHasOneEffect(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	first := d.plan(d.grantInput())
	d.editByHand(holdings(d.viewer, d.soc))
	require.Equal(t, first, d.plan(d.grantInput()))
	require.Equal(t, []ledger.Kind{ledger.KindRequest}, d.ledger("grant/1"))

	in := d.grantInput()
	in.Request.ID, in.Op = "revoke/2", access.OpRevoke
	in.Role, in.Scope = access.RoleSelector{ID: d.viewer.RoleID}, access.ScopeSelector{
		Level: access.SiteLevel, ID: d.viewer.ScopeID,
	}
	d.editByHand(holdings(d.viewer))
	refused := d.plan(in)
	require.NotNil(t, refused.Receipt)
	d.now = d.now.Add(time.Minute)
	d.editByHand(holdings(d.viewer, d.soc))
	require.Equal(t, refused, d.plan(in))
	require.Equal(t, []ledger.Kind{ledger.KindRequest, ledger.KindReceipt}, d.ledger("revoke/2"))
}

// A dry run leaves no trace, whatever it says.
func TestPlan_DryRun(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	in := d.grantInput()
	in.DryRun = true
	require.Equal(t, access.Applied, d.plan(in).Plan.Expected)
	in.Op, in.Role.ID, in.Scope.ID = access.OpRevoke, d.viewer.RoleID, d.viewer.ScopeID
	got := d.plan(in)
	require.NotEmpty(t, got.Plan.Refusal)
	require.Nil(t, got.Receipt)
	require.Empty(t, d.ledger("grant/1"))
}

// Principal, role and scope, each named in every way there is.
func TestPlan_EveryWayToNameThings(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	svc := d.add(access.Principal{Kind: access.ServiceUser, Name: "svc.new"})
	truth := d.console.Truth()
	account, site := truth.Accounts[0], truth.Sites[1]
	user := access.User
	for _, s := range []access.PrincipalSelector{
		{Kind: user, ID: d.who.ID},
		{Kind: user, Email: "new.ana@example.com"},
		{Kind: user, Name: "New Ana"},
		{Kind: access.ServiceUser, ID: svc.ID},
		{Kind: access.ServiceUser, Name: "svc.new"},
	} {
		in := d.grantInput()
		in.DryRun, in.Principal = true, s
		want := d.who.ID
		if s.Kind == access.ServiceUser {
			want = svc.ID
		}
		require.Equal(t, want, d.plan(in).Plan.Principal.ID, "%+v", s)
	}
	for _, s := range []access.RoleSelector{{ID: d.soc.RoleID}, {Name: "SOC"}} {
		in := d.grantInput()
		in.DryRun, in.Role = true, s
		require.Equal(t, access.RoleRef{ID: d.soc.RoleID, Name: "SOC"}, d.plan(in).Plan.Role)
	}
	atSite := access.ScopeRef{Level: access.SiteLevel, ID: site.ID, Name: account.Name + " / " + site.Name}
	atAccount := access.ScopeRef{Level: access.AccountLevel, ID: account.ID, Name: account.Name}
	for _, c := range []struct {
		s    access.ScopeSelector
		want access.ScopeRef
	}{
		{access.ScopeSelector{Level: access.SiteLevel, ID: site.ID}, atSite},
		{access.ScopeSelector{Level: access.SiteLevel, Name: site.Name}, atSite},
		{access.ScopeSelector{Level: access.SiteLevel, Name: account.Name + " / " + site.Name}, atSite},
		{access.ScopeSelector{Level: access.AccountLevel, ID: account.ID}, atAccount},
		{access.ScopeSelector{Level: access.AccountLevel, Name: account.Name}, atAccount},
		{access.ScopeSelector{Level: access.Tenant}, access.ScopeRef{Level: access.Tenant}},
	} {
		in := d.grantInput()
		in.DryRun, in.Scope = true, c.s
		require.Equal(t, c.want, d.plan(in).Plan.Scope, "%+v", c.s)
	}
}

// A name of an account or site may itself hold the separator.
func TestPlan_NamesWithASlash(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	account, err := d.console.AddAccount(access.Account{Name: "North / South"})
	require.NoError(t, err)
	site, err := d.console.AddSite(access.Site{Name: "Hall / Yard", AccountID: account})
	require.NoError(t, err)
	for _, name := range []string{"Hall / Yard", "North / South / Hall / Yard"} {
		in := d.grantInput()
		in.DryRun, in.Scope = true, access.ScopeSelector{Level: access.SiteLevel, Name: name}
		require.Equal(t, site, d.plan(in).Plan.Scope.ID, name)
	}
}

// Names that look the same in a message can be typed as they look: with a blank less at the end, or
// another kind of blank. What was deleted is not offered.
func TestPlan_OfferedNamesCanBeTyped(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	account, err := d.console.AddAccount(access.Account{Name: "Delta\u00a0 West "})
	require.NoError(t, err)
	site, err := d.console.AddSite(access.Site{Name: "Harbour ", AccountID: account})
	require.NoError(t, err)
	role, err := d.console.AddRole(access.Role{Name: "Night  watch "})
	require.NoError(t, err)
	_, err = d.console.AddSite(access.Site{Name: "Harbour old", AccountID: account, State: "deleted"})
	require.NoError(t, err)
	for _, name := range []string{"Harbour", "Delta West / Harbour", "Harbour "} {
		in := d.grantInput()
		in.DryRun, in.Scope = true, access.ScopeSelector{Level: access.SiteLevel, Name: name}
		in.Role = access.RoleSelector{Name: "Night watch"}
		plan := d.plan(in).Plan
		require.Equal(t, site, plan.Scope.ID, name)
		require.Equal(t, role, plan.Role.ID, name)
	}
	in := d.grantInput()
	in.DryRun, in.Scope = true, access.ScopeSelector{Level: access.AccountLevel, Name: "Delta West"}
	require.Equal(t, account, d.plan(in).Plan.Scope.ID)

	in.Scope = access.ScopeSelector{Level: access.SiteLevel, Name: "Harbour old"}
	says := d.namingError(in)
	require.Contains(t, says, `no site "Harbour old" is on the console`)
	require.Contains(t, says, "it was deleted")
	require.NotContains(t, says, "did you mean", "it is not offered")
}

// Every name that matches nothing, or too much, with what is said of it.
func TestPlan_NamesThatAreNotClear(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	must := func(id string, err error) string {
		t.Helper()
		require.NoError(t, err)
		return id
	}
	first := d.console.Truth().Accounts[0]
	second := must(d.console.AddAccount(access.Account{Name: "Beta"}))
	beta2 := must(d.console.AddAccount(access.Account{Name: "Beta"}))
	gone := must(d.console.AddAccount(access.Account{Name: "Gone", State: "deleted"}))
	hall1 := must(d.console.AddSite(access.Site{Name: "Hall", AccountID: first.ID}))
	hall2 := must(d.console.AddSite(access.Site{Name: "Hall", AccountID: second}))
	goneSite := must(d.console.AddSite(access.Site{Name: "Attic", AccountID: first.ID, State: "deleted"}))
	ana2 := d.add(access.Principal{Kind: access.User, Email: "other.ana@example.com", Name: "New Ana"}).ID
	svc1 := d.add(access.Principal{Kind: access.ServiceUser, Name: "svc.twin"}).ID
	svc2 := d.add(access.Principal{Kind: access.ServiceUser, Name: "svc.twin"}).ID
	elsewhere := must(d.console.AddRole(access.Role{
		Name: "Watch", Scope: access.AccountLevel, ScopeID: second,
	}))
	elsewhere2 := must(d.console.AddRole(access.Role{Name: "Watch", Scope: access.SiteLevel, ScopeID: hall2}))
	twin1 := must(d.console.AddRole(access.Role{Name: "Twin"}))
	twin2 := must(d.console.AddRole(access.Role{Name: "Twin", Scope: access.AccountLevel, ScopeID: first.ID}))
	const nobody = "999999999999999999"

	user := func(s access.PrincipalSelector) func(*wire.PlanInput) {
		s.Kind = access.User
		return func(in *wire.PlanInput) { in.Principal = s }
	}
	scope := func(s access.ScopeSelector) func(*wire.PlanInput) { return func(in *wire.PlanInput) { in.Scope = s } }
	role := func(s access.RoleSelector) func(*wire.PlanInput) { return func(in *wire.PlanInput) { in.Role = s } }
	site, account := access.SiteLevel, access.AccountLevel
	unseen := " is on the console, or the token cannot see it"
	for want, change := range map[string]func(*wire.PlanInput){
		"no user with id " + nobody + unseen: user(access.PrincipalSelector{ID: nobody}),
		"no user with id " + svc1 + unseen:   user(access.PrincipalSelector{ID: svc1}), // a service user's
		`no user "new@example.com" is on the console; did you mean new.ana@example.com (` + d.who.ID + ")": user(
			access.PrincipalSelector{Email: "new@example.com"}),
		`no user "zzz@example.com"` + unseen: user(access.PrincipalSelector{Email: "zzz@example.com"}),
		`user "New Ana" matches 2: new.ana@example.com (` + d.who.ID + "), other.ana@example.com (" + ana2 +
			"); name one by its id": user(access.PrincipalSelector{Name: "New Ana"}),
		`service user "svc.twin" matches 2: svc.twin (` + svc1 + "), svc.twin (" + svc2 + "); name one by its id": func(
			in *wire.PlanInput,
		) {
			in.Principal = access.PrincipalSelector{Kind: access.ServiceUser, Name: "svc.twin"}
		},
		`no service user "svc.none"` + unseen: func(in *wire.PlanInput) {
			in.Principal = access.PrincipalSelector{Kind: access.ServiceUser, Name: "svc.none"}
		},
		"no role with id " + nobody + unseen: role(access.RoleSelector{ID: nobody}),
		`no role "soc" is on the console; did you mean "SOC" (` + d.soc.RoleID + ")?": role(
			access.RoleSelector{Name: "soc"}),
		`no role "Zzz"` + unseen: role(access.RoleSelector{Name: "Zzz"}),
		`role "Twin" matches 2: "Twin" (` + twin1 + `), "Twin" of account ` + first.ID + " (" + twin2 +
			"); name one by its id": role(access.RoleSelector{Name: "Twin"}),
		`role "Watch" matches 2: "Watch" of account ` + second + " (" + elsewhere + `), "Watch" of site ` + hall2 +
			" (" + elsewhere2 + "); name one by its id; none of them can be granted at site ": role(
			access.RoleSelector{Name: "Watch"}),
		"no site with id " + nobody + unseen:   scope(access.ScopeSelector{Level: site, ID: nobody}),
		"no site with id " + goneSite + unseen: scope(access.ScopeSelector{Level: site, ID: goneSite}),
		`no site "Attic" is on`:                scope(access.ScopeSelector{Level: site, Name: "Attic"}),
		`no site "Hal" is on the console; did you mean "` + first.Name + ` / Hall" (` + hall1: scope(
			access.ScopeSelector{Level: site, Name: "Hal"}),
		`site "Hall" matches 2: "` + first.Name + ` / Hall" (` + hall1 + `), "Beta / Hall" (` + hall2 + ")": scope(
			access.ScopeSelector{Level: site, Name: "Hall"}),
		`no site "Gamma / Hall" is on the console; did you mean`: scope(
			access.ScopeSelector{Level: site, Name: "Gamma / Hall"}),
		"no account with id " + nobody + unseen: scope(access.ScopeSelector{Level: account, ID: nobody}),
		"no account with id " + gone + unseen:   scope(access.ScopeSelector{Level: account, ID: gone}),
		`no account "Gone"` + unseen:            scope(access.ScopeSelector{Level: account, Name: "Gone"}),
		`account "Beta" matches 2: "Beta" (` + second + `), "Beta" (` + beta2 + ")": scope(
			access.ScopeSelector{Level: account, Name: "Beta"}),
		`no account "Bet" is on the console; did you mean "Beta" (` + second: scope(
			access.ScopeSelector{Level: account, Name: "Bet"}),
	} {
		in := d.grantInput()
		change(&in)
		require.Contains(t, d.namingError(in), want)
	}

	in := d.grantInput()
	in.Op, in.Role = access.OpRevoke, access.RoleSelector{Name: "Watch"}
	require.Contains(t, d.namingError(in), `role "Watch" matches 2`, "wherever it could be given")
	in = d.grantInput()
	in.Role, in.Scope.ID = access.RoleSelector{Name: "Watch"}, hall1
	_, err := d.console.AddRole(access.Role{Name: "Watch", Scope: access.AccountLevel, ScopeID: first.ID})
	require.NoError(t, err)
	require.Empty(t, d.plan(in).Plan.Refusal, "of several with a name the one that can be given counts")
}

// What cannot be carried out is refused, with a receipt, before anything is done.
func TestPlan_Refusals(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	account := d.console.Truth().Accounts[0].ID
	elsewhere, err := d.console.AddRole(access.Role{
		Name: "Watch", Scope: access.SiteLevel, ScopeID: d.console.Truth().Sites[2].ID,
	})
	require.NoError(t, err)
	system := d.add(access.Principal{Kind: access.User, Email: "s@example.com", IsSystem: true}).ID
	fixed := d.add(access.Principal{Kind: access.User, Email: "f@example.com", RolesReadOnly: true}).ID
	_, own := d.console.TokenOwner()
	for name, c := range map[string]struct {
		change func(*wire.PlanInput)
		want   string
	}{
		"role of another scope": {
			func(in *wire.PlanInput) { in.Role.ID = elsewhere }, `role "Watch" (` + elsewhere + ") belongs to site",
		},
		"level": {
			func(in *wire.PlanInput) { in.Scope = access.ScopeSelector{Level: access.AccountLevel, ID: account} },
			"request it again with allowLevelChange",
		},
		"last role": {
			func(in *wire.PlanInput) {
				in.Op, in.Role.ID, in.Scope.ID = access.OpRevoke, d.viewer.RoleID, d.viewer.ScopeID
			},
			"it is the principal's last role",
		},
		"own":       {func(in *wire.PlanInput) { in.Principal.ID = own }, "owns the API token that this worker uses"},
		"system":    {func(in *wire.PlanInput) { in.Principal.ID = system }, "is a system user of the console"},
		"read-only": {func(in *wire.PlanInput) { in.Principal.ID = fixed }, "is read-only in the console"},
	} {
		in := d.grantInput()
		in.Request.ID = "grant/" + name
		c.change(&in)
		require.Contains(t, d.refusal(in), c.want, name)
		require.Equal(t, []ledger.Kind{ledger.KindRequest, ledger.KindReceipt}, d.ledger(in.Request.ID))
	}
	require.Zero(t, d.puts())
}

// A level change that is allowed says what it costs.
func TestPlan_LevelChangeAllowed(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.editByHand(holdings(d.viewer, d.soc))
	in := d.grantInput()
	in.Terms.AllowLevelChange, in.Op = true, access.OpAcquire
	in.Scope = access.ScopeSelector{Level: access.Tenant}
	got := d.plan(in).Plan
	require.Empty(t, got.Refusal)
	require.True(t, got.Rules.AllowLevelChange)
	require.Equal(t, []string{
		"moves the principal from site to tenant level",
		"removes role " + d.viewer.RoleID + " at site " + d.viewer.ScopeID +
			", role " + d.soc.RoleID + " at site " + d.soc.ScopeID,
	}, got.Notes)
	require.Equal(t, access.Holdings{
		Level: access.Tenant, Held: []access.HeldRole{{RoleID: d.soc.RoleID}},
	}, got.After)
}

func TestPlan_ReadOnly(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{}, func(c *console.Config) { c.ReadOnly = true })
	require.Contains(t, d.refusal(d.grantInput()), "SENTINELONE_READ_ONLY")
	require.Zero(t, d.puts())
}

// Where the console does not say whose the token is, a note says so, and the question is
// not repeated for each request.
func TestPlan_OwnUserNotTold(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{OwnerIsServiceUser: true})
	for range 3 {
		got := d.plan(d.grantInput()).Plan
		require.Empty(t, got.Refusal)
		require.Len(t, got.Notes, 1)
		require.Contains(t, got.Notes[0], "does not report the owner of the worker's token")
	}
	asked := 0
	for _, r := range d.console.Requests() {
		if r.Path == "/user" {
			asked++
		}
	}
	require.Equal(t, 1, asked)
	require.Empty(t, d.tokenOwner())
}

// The owner of the token is stored as the console told it last, for programs that only read the store.
func TestPlan_OwnUserIsStored(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	require.NoError(t, d.store.KeepTokenOwner(t.Context(), d.who.Console, "another"))
	d.plan(d.grantInput())
	require.NotContains(t, []string{"", "another"}, d.tokenOwner())
}

func (d *grantFixture) tokenOwner() string {
	d.t.Helper()
	id, err := d.store.TokenOwner(d.t.Context(), d.who.Console)
	require.NoError(d.t, err)
	return id
}

// A console that cannot answer that question for now holds up nothing, and is asked again.
func TestPlan_OwnUserUnanswered(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	id := d.console.AddFault(consoletest.Fault{Name: consoletest.ServerError, Path: "/user", Method: http.MethodGet})
	require.Len(t, d.plan(d.grantInput()).Plan.Notes, 1)
	require.Equal(t, 1, d.console.FaultsFired(id))
	d.console.RemoveFault(id)
	d.request.self.until = time.Time{}
	in := d.grantInput()
	in.DryRun = true
	require.Empty(t, d.plan(in).Plan.Notes)
}

func TestPlan_OtherConsole(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	in := d.grantInput()
	in.Console = "other.sentinelone.net"
	_, err := executeActivity[wire.PlanResult](d, wire.PlanActivity, in)
	require.Equal(t, string(kinds.Conflict), attempttest.ApplicationError(t, err).Type())
	require.Zero(t, d.console.RequestCount())
	in.Console = d.who.Console
	require.Empty(t, d.plan(in).Plan.Refusal)
}

// A console that is down is waited out, and one that refuses is not.
func TestPlan_ConsoleErrors(t *testing.T) {
	t.Parallel()
	for kind, final := range map[consoletest.FaultKind]bool{
		consoletest.ServerError: false, consoletest.RateLimited: false, consoletest.CutBefore: false,
		consoletest.Forbidden: true, consoletest.Unauthorized: true,
	} {
		for _, path := range []string{"/users", "/rbac/roles", "/sites"} {
			d := newGrantFixture(t, consoletest.Options{})
			d.console.AddFault(consoletest.Fault{Name: kind, Path: path})
			_, err := executeActivity[wire.PlanResult](d, wire.PlanActivity, d.grantInput())
			require.Equal(
				t,
				final,
				attempttest.ApplicationError(t, err).NonRetryable(),
				"%s of %s: %v",
				kind,
				path,
				err,
			)
			require.Empty(t, d.ledger("grant/1"))
		}
	}
}

// The receipt is written once, and the first one stands.
func TestClose_TwiceHasOneEffect(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	in := wire.CloseInput{
		Request: d.grantInput().Request,
		Plan:    d.plan(d.grantInput()).Plan,
		State:   "cancelled",
		Message: "cancelled",
	}
	first, err := executeActivity[wire.CloseResult](d, wire.CloseActivity, in)
	require.NoError(t, err)
	require.True(t, first.Receipt.Intact())
	require.Equal(t, "cancelled", first.Receipt.State)
	require.Equal(t, access.Unsigned, first.Receipt.Signed)
	require.Contains(t, first.Receipt.SignedMeans,
		"one person can be the requester, both approvers and the reviewer")
	require.NotNil(t, first.Receipt.Proofs)
	d.now, in.State = d.now.Add(time.Hour), "granted"
	again, err := executeActivity[wire.CloseResult](d, wire.CloseActivity, in)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, []ledger.Kind{ledger.KindRequest, ledger.KindReceipt}, d.ledger("grant/1"))
}
