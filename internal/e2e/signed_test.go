package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// A grant that is requested and approved with signatures has a receipt that verifies with
// nothing but the file of allowed signers. No private key occurs anywhere.
func TestSigned_ReceiptVerifiesOffline(t *testing.T) {
	t.Parallel()
	e := newSignedEnv(t)
	id := strings.ReplaceAll(t.Name(), "_", "-")
	asked := e.starter("grant", "--user", e.user.ID, "--role", e.requested.RoleID, "--scope", e.requested.ScopeID,
		"--level", "site", "--requester", "bob@example.com", "--id", id, "--wait=false",
		"--key", e.keys["bob@example.com"].path)
	require.Zero(t, asked.code, asked.stderr)
	run := e.client.GetWorkflow(e.ctx(), wire.GrantID(id), "")
	e.untilStatus(run, isAwaitingApproval)
	var said []string
	for _, who := range []string{"carol@example.com", "dave@example.com"} {
		got := e.starter("approve", id, "--by", who, "--yes", "--key", e.keys[who].path)
		require.Zero(t, got.code, got.stderr)
		said = append(said, got.stdout, got.stderr)
	}
	got := e.result(run)
	require.Equal(t, wire.StateGranted, got.State, got.Message)
	e.requireReceipt(got)
	require.Equal(t, access.AllSigned, got.Receipt.Signed)
	require.Equal(t, e.keys["bob@example.com"].Fingerprint(), got.Receipt.RequestSignature.Signed)

	said = append(said, e.requireReceiptVerifies(toJSON(t, got.Receipt)))
	require.Contains(t, said[len(said)-1], "2 of 2 from leads: carol@example.com, dave@example.com")
	e.requireKeygenVerifies(got.Receipt, got.Receipt.Decisions[0])
	e.requireLedger()

	_, err := e.worker.Stop(limit)
	require.NoError(t, err)
	writer := wire.PrincipalID(e.consoleKey(), e.user.Kind, e.user.ID)
	seen := append(said, asked.stdout, asked.stderr, toJSON(t, got), e.workerOutput.String(),
		historyJSON(t, e.stack, run.GetID()), historyJSON(t, e.stack, writer))
	requireNoPrivateKeys(t, e, append(seen, databaseBytes(t, e.database)...))
}

// requireNoPrivateKeys searches texts for the private keys, in each form in which they
// could occur.
func requireNoPrivateKeys(t *testing.T, e *signedEnv, seen []string) {
	t.Helper()
	all := strings.Join(seen, "\n")
	require.Contains(t, all, "BEGIN SSH SIGNATURE", "the search looks at real text")
	require.NotContains(t, all, "PRIVATE KEY")
	for who, key := range e.keys {
		text, err := os.ReadFile(key.path)
		require.NoError(t, err)
		secrets := []string{string(key.seed()), toJSON(t, key.seed())}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		for _, line := range append(secrets, lines[2:len(lines)-1]...) { // the first holds nothing secret
			require.NotContains(t, all, strings.Trim(line, `"`), who)
		}
	}
}

// Each way to request in another person's name is refused before approvers are asked, with
// its reason in the ledger.
func TestSigned_RequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	e := newSignedEnv(t)
	bob := "bob@example.com"
	as := func(who string) func(in wire.GrantInput, id string) wire.GrantInput {
		return func(in wire.GrantInput, id string) wire.GrantInput {
			in.Requester = who
			return e.signGrant(in, id, who, e.now())
		}
	}
	for name, c := range map[string]struct {
		sign func(in wire.GrantInput, id string) wire.GrantInput
		why  string
	}{
		"unsigned": {func(in wire.GrantInput, _ string) wire.GrantInput {
			return in
		}, "a signature is required"},
		"another-request": {func(in wire.GrantInput, _ string) wire.GrantInput {
			return e.signGrant(in, e.grantID("other"), bob, e.now())
		}, "does not match the statement"},
		"changed-reason": {func(in wire.GrantInput, id string) wire.GrantInput {
			in = e.signGrant(in, id, bob, e.now())
			in.Reason = "INC-43"
			return in
		}, "does not match the statement"},
		"changed-time": {func(in wire.GrantInput, id string) wire.GrantInput {
			in = e.signGrant(in, id, bob, e.now())
			in.SignedAt = in.SignedAt.Add(time.Second)
			return in
		}, "does not match the statement"},
		"stale": {func(in wire.GrantInput, id string) wire.GrantInput {
			return e.signGrant(in, id, bob, e.now().Add(-2*time.Hour))
		}, "more than 1h before it arrived"},
		"another-name": {func(in wire.GrantInput, id string) wire.GrantInput {
			return e.signGrant(in, id, "carol@example.com", e.now())
		}, `may not sign for "bob@example.com"`},
		"no-console": {func(in wire.GrantInput, id string) wire.GrantInput {
			in.Console = ""
			return e.signGrant(in, id, bob, e.now())
		}, "must name its console"},
		"unknown": {as("mallory@example.com"), "is not in the file of allowed signers"},
		"expired": {as("erin@example.com"), "is no longer valid"},
		"revoked": {as("frank@example.com"), "is revoked"},
	} {
		id := e.grantID("/" + name)
		run := e.startGrant("/"+name, c.sign(e.signableInput(), id))
		got := e.result(run)
		require.Equal(t, wire.StateRefused, got.State, name)
		require.Contains(t, got.Message, c.why, name)
		require.Equal(t, access.Unsigned, got.Receipt.Signed)
		require.Nil(t, got.Receipt.RequestSignature)
		e.requireReceipt(got)
		entries := e.ledgerEntries(run, "request")
		require.Len(t, entries, 1)
		require.Contains(t, string(entries[0].Body), toJSON(t, got.Message))
	}
	require.False(t, e.holdings().Holds(e.requested))
}

// The signature of a request that has ended cannot be used again under the same workflow
// id.
func TestSigned_RequestReplayed(t *testing.T) {
	t.Parallel()
	e := newSignedEnv(t)
	in := e.signGrant(e.signableInput(), e.grantID("1"), "bob@example.com", e.now())
	run := e.startGrant("1", in)
	status := e.untilStatus(run, isAwaitingApproval)
	e.update(run, wire.CancelUpdate, e.signedStop(status, signing.KindCancel, "bob@example.com"))
	require.Equal(t, wire.StateCancelled, e.result(run).State)
	again := e.startGrant("1", in)
	got := e.result(again)
	require.Equal(t, wire.StateRefused, got.State)
	require.Contains(t, got.Message, "the signature was already used")
}

// The age of a request's signature is judged at the time when the request was started,
// however late a worker takes it. Here it is a little less than an hour old then.
func TestSigned_FreshWhenStarted(t *testing.T) {
	t.Parallel()
	e := newSignedEnv(t)
	_, err := e.worker.Stop(limit)
	require.NoError(t, err)
	at := e.now().Add(20*time.Second - signing.MaxAge)
	run := e.startGrant("1", e.signGrant(e.signableInput(), e.grantID("1"), "bob@example.com", at))
	require.Eventually(t, func() bool { return time.Since(at) > signing.MaxAge }, limit, 50*time.Millisecond)
	e.startWorker()
	e.untilStatus(run, isAwaitingApproval)
}

// Each way to approve in another person's name is refused and recorded in the ledger. The
// request stays pending for the approvers.
func TestSigned_DecisionsThatDoNotCount(t *testing.T) {
	t.Parallel()
	e := newSignedEnv(t)
	run, other := e.startSigned("1"), e.startSigned("2")
	carol, erin, frank := "carol@example.com", "erin@example.com", "frank@example.com"
	of := func(who string) wire.DecisionInput { return wire.DecisionInput{By: who} }
	said := wire.DecisionInput{By: carol, Comment: "fine", Duration: access.Duration(2 * time.Hour)}
	const notOver = "does not match the statement"
	for name, c := range map[string]struct {
		in     wire.DecisionInput
		key    string
		change func(*signing.Statement)
		why    string
	}{
		"another request": {of(carol), carol, func(s *signing.Statement) {
			s.Request, s.Run = other.GetID(), other.GetRunID()
		}, notOver},
		"another run":   {of(carol), carol, func(s *signing.Statement) { s.Run = other.GetRunID() }, notOver},
		"another plan":  {of(carol), carol, func(s *signing.Statement) { s.PlanHash = s.PlanHash[1:] + "0" }, notOver},
		"a denial":      {of(carol), carol, func(s *signing.Statement) { s.Kind = signing.KindDeny }, notOver},
		"a comment":     {said, carol, func(s *signing.Statement) { s.Comment = "not before noon" }, notOver},
		"a narrowing":   {said, carol, func(s *signing.Statement) { s.Duration /= 2 }, notOver},
		"another time":  {of(carol), carol, func(s *signing.Statement) { s.At = s.At.Add(-time.Hour) }, notOver},
		"another's key": {of(carol), "dave@example.com", nil, "may not sign for"},
		"unknown key":   {of(carol), "mallory@example.com", nil, "is not in the file of allowed signers"},
		"expired key":   {of(erin), erin, nil, "is no longer valid"},
		"revoked key":   {of(frank), frank, nil, "is revoked"},
	} {
		in := e.signedApproval(run, c.in, c.key, c.change)
		err := e.tryApprove(run, in)
		require.Error(t, err, name)
		e.requireNotCounted(run, in, err, c.why)
	}
	unsigned := wire.DecisionInput{By: carol}
	e.requireNotCounted(run, unsigned, e.tryApprove(run, unsigned), "a signature is required")
	e.approveSigned(run, carol)
	e.approveSigned(run, "dave@example.com")
	got := e.result(run)
	require.Equal(t, wire.StateGranted, got.State, got.Message)
	require.Len(t, e.ledgerEntries(run, "decision"), 14)
}

// An approval of one plan does not count for another plan, nor again for the same plan
// later: it has to be given anew. A plan that does less than what was approved asks nobody.
func TestSigned_DecisionReplayed(t *testing.T) {
	t.Parallel()
	e := newSignedEnv(t)
	run := e.startSigned("1")
	planned := func() wire.RequestStatus { return e.untilStatus(run, isAwaitingApproval) }
	// Each role that is there already would be replaced: that is another plan.
	replan := func(there access.Holding) string {
		before := planned().Plan.Hash
		if planned().Approval.Given == 0 {
			e.approveSigned(run, "gus@example.com")
		}
		e.setRolesByHand(e.viewer, there)
		e.approveSigned(run, "dave@example.com")
		return e.untilStatus(run, func(got wire.RequestStatus) bool {
			return isAwaitingApproval(got) && got.Plan.Hash != before
		}).Plan.Hash
	}
	first := planned().Plan.Hash
	old := e.approveSigned(run, "carol@example.com")
	replacesAdmin := replan(e.world.Admin)
	require.NotEqual(t, first, replacesAdmin, "it would replace a role now")
	e.requireNotCounted(run, old, e.tryApprove(run, old), "does not match the statement")

	old = e.approveSigned(run, "carol@example.com")
	refused := e.signedApproval(run, wire.DecisionInput{By: "carol@example.com", Comment: "again"},
		"carol@example.com", nil)
	require.ErrorContains(t, e.tryApprove(run, refused), "has decided already")
	require.NotContains(t, []string{first, replacesAdmin}, replan(e.world.AtSite("Viewer", 1)))
	require.Equal(t, replacesAdmin, replan(e.world.Admin), "the plan is what it was")
	e.requireNotCounted(run, old, e.tryApprove(run, old), "the signature was already used")
	e.requireNotCounted(run, refused, e.tryApprove(run, refused), "the signature was already used")
	e.setRolesByHand(e.viewer)
	e.approveSigned(run, "carol@example.com")
	e.approveSigned(run, "dave@example.com")
	require.Equal(t, wire.StateGranted, e.result(run).State, "to replace nothing is less")
}

// One key is one person, even if it may sign for several names.
func TestSigned_OneKeyIsOnePerson(t *testing.T) {
	t.Parallel()
	e := newSignedEnv(t)
	run := e.startSigned("1")
	e.approveSigned(run, "gus@example.com")
	in := e.signedApproval(run, wire.DecisionInput{By: "henry@example.com"}, "henry@example.com", nil)
	require.ErrorContains(t, e.tryApprove(run, in), "with which gus@example.com has approved")
	require.Equal(t, 1, e.untilStatus(run, isAwaitingApproval).Approval.Given)
	e.approveSigned(run, "dave@example.com")
	require.Equal(t, wire.StateGranted, e.result(run).State)

	own := e.signableInput()
	own.Requester = "henry@example.com"
	run = e.startGrant("2", e.signGrant(own, e.grantID("2"), "henry@example.com", e.now()))
	e.untilStatus(run, isAwaitingApproval)
	in = e.signedApproval(run, wire.DecisionInput{By: "gus@example.com"}, "gus@example.com", nil)
	require.ErrorContains(t, e.tryApprove(run, in), "with which henry@example.com has requested it")
	require.Zero(t, e.untilStatus(run, isAwaitingApproval).Approval.Given)
}

// Requests for users, service users and offboardings are signed too. Their receipts verify,
// with the signed approvals that the former need.
func TestSigned_Accounts(t *testing.T) {
	t.Parallel()
	e := newSignedEnv(t)
	e.extraEnv = nil // starter does not know what the worker requires
	place := []string{"--role", e.requested.RoleID, "--scope", e.requested.ScopeID, "--level", "site"}
	for i, args := range [][]string{
		append([]string{"user", "create", "--email", "new@example.com", "--name", "New"}, place...),
		append([]string{"service-user", "create", "--name", "ci", "--token-until", "90d"}, place...),
		append([]string{"offboard", "--user", "new@example.com", "--yes"}, "--baseline-role", e.requested.RoleID,
			"--baseline-scope", e.requested.ScopeID, "--baseline-level", "site"), // which it holds
		{"offboard", "--user", "new@example.com", "--delete", "--yes"},
		{"service-user", "retire", "ci", "--yes"},
	} {
		signed := append(args, "--requester", "bob@example.com", "-o", "json")
		got := e.runApproved(append(signed, "--key", e.keys["bob@example.com"].path), "signed-"+strconv.Itoa(i))
		require.Zero(t, got.code, got.stderr)
		e.requireReceiptVerifies(got.stdout)
		got = e.starter(append(signed, "--id", "unsigned-"+strconv.Itoa(i))...)
		require.NotZero(t, got.code, args)
		require.Contains(t, got.stdout+got.stderr, "a signature is required", args)
	}
	life := access.Duration(time.Hour)
	in := wire.ProvisionServiceUserInput{
		Name: "nightly", Role: access.RoleSelector{ID: e.requested.RoleID},
		Scope:     access.ScopeSelector{Level: e.requested.Level, ID: e.requested.ScopeID},
		TokenLife: &life, Requester: "bob@example.com", Console: e.consoleKey(),
	}
	id, at := wire.ProvisionID(t.Name()), e.now()
	asked := access.RequestSignature{Request: in.Spec(), SignedAt: at}
	in.Sign(e.sign("bob@example.com", signing.OfRequest(id, asked)), at)
	run := e.start(id, wire.ProvisionServiceUserType, in)
	e.untilStatus(run, isAwaitingApproval)
	e.approveSigned(run, "carol@example.com")
	e.approveSigned(run, "dave@example.com")
	got := e.result(run)
	require.Equal(t, wire.StateProvisioned, got.State, got.Message)
	e.requireReceiptVerifies(toJSON(t, got))
}

// `starter apply` signs each line of a file with the same key.
func TestSigned_Apply(t *testing.T) {
	t.Parallel()
	e := newSignedEnv(t)
	e.extraEnv = nil // starter does not know what the worker requires
	e.setRolesByHand(e.viewer, e.requested)
	file := filepath.Join(t.TempDir(), "access.csv")
	require.NoError(t, os.WriteFile(file, []byte("action,kind,principal,role,scope,level,reason,id\n"+
		"grant,user,"+e.user.ID+","+e.viewer.RoleID+","+e.viewer.ScopeID+",site,INC-1,\n"), 0o600))
	apply := []string{"apply", "-f", file, "--requester", "bob@example.com", "-o", "json"}
	got := e.starter(apply...)
	require.Contains(t, got.stdout, "a signature is required", got.stderr)
	done := make(chan commandResult, 1)
	go func() { done <- e.starter(append(apply, "--key", e.keys["bob@example.com"].path)...) }()
	var line struct {
		ID string `json:"id"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &line))
	run := e.client.GetWorkflow(e.ctx(), line.ID, "")
	require.Eventually(t, func() bool { return len(e.ledgerEntries(run, "request")) == 2 }, limit, 50*time.Millisecond)
	e.approveSigned(run, "carol@example.com")
	e.approveSigned(run, "dave@example.com")
	again := <-done
	require.Zero(t, again.code, again.stdout+again.stderr)
	e.requireReceiptVerifies(toJSON(t, e.result(run)))
}
