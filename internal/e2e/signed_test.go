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

// Asked for and consented to with signatures, a grant leaves a receipt that holds with
// nothing but the file of allowed signers. The keys themselves are nowhere.
func TestSigned_ReceiptVerifiesOffline(t *testing.T) {
	t.Parallel()
	d := newSignedEnv(t)
	id := strings.ReplaceAll(t.Name(), "_", "-")
	asked := d.starter("grant", "--user", d.user.ID, "--role", d.requested.RoleID, "--scope", d.requested.ScopeID,
		"--level", "site", "--requester", "bob@example.com", "--id", id, "--wait=false",
		"--key", d.keys["bob@example.com"].path)
	require.Zero(t, asked.code, asked.stderr)
	run := d.client.GetWorkflow(d.ctx(), wire.GrantID(id), "")
	d.untilStatus(run, isAwaitingApproval)
	var said []string
	for _, who := range []string{"carol@example.com", "dave@example.com"} {
		got := d.starter("approve", id, "--by", who, "--yes", "--key", d.keys[who].path)
		require.Zero(t, got.code, got.stderr)
		said = append(said, got.stdout, got.stderr)
	}
	got := d.result(run)
	require.Equal(t, wire.StateGranted, got.State, got.Message)
	d.requireReceipt(got)
	require.Equal(t, access.AllSigned, got.Receipt.Signed)
	require.Equal(t, d.keys["bob@example.com"].Fingerprint(), got.Receipt.RequestSignature.Signed)

	said = append(said, d.requireReceiptVerifies(toJSON(t, got.Receipt)))
	require.Contains(t, said[len(said)-1], "2 of 2 from leads: carol@example.com, dave@example.com")
	d.requireKeygenVerifies(got.Receipt, got.Receipt.Decisions[0])
	d.requireLedger()

	_, err := d.worker.Stop(limit)
	require.NoError(t, err)
	writer := wire.PrincipalID(d.consoleKey(), d.user.Kind, d.user.ID)
	seen := append(said, asked.stdout, asked.stderr, toJSON(t, got), d.workerOutput.String(),
		historyJSON(t, d.stack, run.GetID()), historyJSON(t, d.stack, writer))
	requireNoPrivateKeys(t, d, append(seen, databaseBytes(t, d.database)...))
}

// requireNoPrivateKeys looks for the keys in the forms in which they could slip through.
func requireNoPrivateKeys(t *testing.T, d *signedEnv, seen []string) {
	t.Helper()
	all := strings.Join(seen, "\n")
	require.Contains(t, all, "BEGIN SSH SIGNATURE", "the search looks at real text")
	require.NotContains(t, all, "PRIVATE KEY")
	for who, key := range d.keys {
		text, err := os.ReadFile(key.path)
		require.NoError(t, err)
		secrets := []string{string(key.seed()), toJSON(t, key.seed())}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		for _, line := range append(secrets, lines[2:len(lines)-1]...) { // the first holds nothing secret
			require.NotContains(t, all, strings.Trim(line, `"`), who)
		}
	}
}

// Each way to ask in somebody's name is refused before anyone is asked, with its reason
// in the ledger.
func TestSigned_RequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := newSignedEnv(t)
	bob := "bob@example.com"
	as := func(who string) func(in wire.GrantInput, id string) wire.GrantInput {
		return func(in wire.GrantInput, id string) wire.GrantInput {
			in.Requester = who
			return d.signGrant(in, id, who, d.now())
		}
	}
	for name, c := range map[string]struct {
		sign func(in wire.GrantInput, id string) wire.GrantInput
		why  string
	}{
		"unsigned": {func(in wire.GrantInput, _ string) wire.GrantInput {
			return in
		}, "a signature is needed"},
		"another-request": {func(in wire.GrantInput, _ string) wire.GrantInput {
			return d.signGrant(in, d.grantID("other"), bob, d.now())
		}, "does not match the statement"},
		"changed-reason": {func(in wire.GrantInput, id string) wire.GrantInput {
			in = d.signGrant(in, id, bob, d.now())
			in.Reason = "INC-43"
			return in
		}, "does not match the statement"},
		"changed-time": {func(in wire.GrantInput, id string) wire.GrantInput {
			in = d.signGrant(in, id, bob, d.now())
			in.SignedAt = in.SignedAt.Add(time.Second)
			return in
		}, "does not match the statement"},
		"stale": {func(in wire.GrantInput, id string) wire.GrantInput {
			return d.signGrant(in, id, bob, d.now().Add(-2*time.Hour))
		}, "more than 1h before it arrived"},
		"another-name": {func(in wire.GrantInput, id string) wire.GrantInput {
			return d.signGrant(in, id, "carol@example.com", d.now())
		}, `may not sign for "bob@example.com"`},
		"no-console": {func(in wire.GrantInput, id string) wire.GrantInput {
			in.Console = ""
			return d.signGrant(in, id, bob, d.now())
		}, "must say which console"},
		"unknown": {as("mallory@example.com"), "is not in the file of allowed signers"},
		"expired": {as("erin@example.com"), "is no longer valid"},
		"revoked": {as("frank@example.com"), "is revoked"},
	} {
		id := d.grantID("/" + name)
		run := d.startGrant("/"+name, c.sign(d.signableInput(), id))
		got := d.result(run)
		require.Equal(t, wire.StateRefused, got.State, name)
		require.Contains(t, got.Message, c.why, name)
		require.Equal(t, access.Unsigned, got.Receipt.Signed)
		require.Nil(t, got.Receipt.RequestSignature)
		d.requireReceipt(got)
		entries := d.ledgerEntries(run, "request")
		require.Len(t, entries, 1)
		require.Contains(t, string(entries[0].Body), toJSON(t, got.Message))
	}
	require.False(t, d.holdings().Holds(d.requested))
}

// A request that has ended is not carried out again with the signature it had, under the
// same workflow id.
func TestSigned_RequestReplayed(t *testing.T) {
	t.Parallel()
	d := newSignedEnv(t)
	in := d.signGrant(d.signableInput(), d.grantID("1"), "bob@example.com", d.now())
	run := d.startGrant("1", in)
	d.untilStatus(run, isAwaitingApproval)
	d.update(run, wire.CancelUpdate, wire.StopInput{By: "bob@example.com"})
	require.Equal(t, wire.StateCancelled, d.result(run).State)
	again := d.startGrant("1", in)
	got := d.result(again)
	require.Equal(t, wire.StateRefused, got.State)
	require.Contains(t, got.Message, "the signature was used already")
}

// A worker that comes back after hours takes a request for as fresh as it was when it was
// started. Its signature is a little less than an hour old by then.
func TestSigned_FreshWhenStarted(t *testing.T) {
	t.Parallel()
	d := newSignedEnv(t)
	_, err := d.worker.Stop(limit)
	require.NoError(t, err)
	at := d.now().Add(10*time.Second - signing.MaxAge)
	run := d.startGrant("1", d.signGrant(d.signableInput(), d.grantID("1"), "bob@example.com", at))
	require.Eventually(t, func() bool { return time.Since(at) > signing.MaxAge }, limit, 50*time.Millisecond)
	d.startWorker()
	d.untilStatus(run, isAwaitingApproval)
}

// Each way to consent in somebody's name is refused and in the ledger; the request waits
// on, for those who may.
func TestSigned_DecisionsThatDoNotCount(t *testing.T) {
	t.Parallel()
	d := newSignedEnv(t)
	run, other := d.startSigned("1"), d.startSigned("2")
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
		in := d.signedApproval(run, c.in, c.key, c.change)
		err := d.tryApprove(run, in)
		require.Error(t, err, name)
		d.requireNotCounted(run, in, err, c.why)
	}
	unsigned := wire.DecisionInput{By: carol}
	d.requireNotCounted(run, unsigned, d.tryApprove(run, unsigned), "a signature is needed")
	d.approveSigned(run, carol)
	d.approveSigned(run, "dave@example.com")
	got := d.result(run)
	require.Equal(t, wire.StateGranted, got.State, got.Message)
	require.Len(t, d.ledgerEntries(run, "decision"), 14)
}

// A consent to a plan is not one to the next, and used up when the plan is what it was:
// it is given anew.
func TestSigned_DecisionReplayed(t *testing.T) {
	t.Parallel()
	d := newSignedEnv(t)
	run := d.startSigned("1")
	first := d.untilStatus(run, isAwaitingApproval).Plan.Hash
	old := d.approveSigned(run, "carol@example.com")
	refused := d.signedApproval(run, wire.DecisionInput{By: "carol@example.com", Comment: "again"},
		"carol@example.com", nil)
	require.ErrorContains(t, d.tryApprove(run, refused), "has decided already")
	replan := func(held ...access.Holding) string {
		before := d.untilStatus(run, isAwaitingApproval).Plan.Hash
		if d.untilStatus(run, isAwaitingApproval).Approval.Given == 0 {
			d.approveSigned(run, "gus@example.com")
		}
		d.setRolesByHand(held...)
		d.approveSigned(run, "dave@example.com")
		return d.untilStatus(run, func(got wire.RequestStatus) bool {
			return isAwaitingApproval(got) && got.Plan.Hash != before
		}).Plan.Hash
	}
	third := d.world.AtSite("SOC", 2)
	require.NotEqual(t, first, replan(d.viewer, third))
	d.requireNotCounted(run, old, d.tryApprove(run, old), "does not match the statement")
	require.Equal(t, first, replan(d.viewer), "the plan is what it was")
	d.requireNotCounted(run, old, d.tryApprove(run, old), "the signature was used already")
	d.requireNotCounted(run, refused, d.tryApprove(run, refused), "the signature was used already")
	d.approveSigned(run, "carol@example.com")
	d.approveSigned(run, "dave@example.com")
	require.Equal(t, wire.StateGranted, d.result(run).State)
}

// One key is one person, whatever the names are that it may sign for.
func TestSigned_OneKeyIsOnePerson(t *testing.T) {
	t.Parallel()
	d := newSignedEnv(t)
	run := d.startSigned("1")
	d.approveSigned(run, "gus@example.com")
	in := d.signedApproval(run, wire.DecisionInput{By: "henry@example.com"}, "henry@example.com", nil)
	require.ErrorContains(t, d.tryApprove(run, in), "with which gus@example.com has approved")
	require.Equal(t, 1, d.untilStatus(run, isAwaitingApproval).Approval.Given)
	d.approveSigned(run, "dave@example.com")
	require.Equal(t, wire.StateGranted, d.result(run).State)

	own := d.signableInput()
	own.Requester = "henry@example.com"
	run = d.startGrant("2", d.signGrant(own, d.grantID("2"), "henry@example.com", d.now()))
	d.untilStatus(run, isAwaitingApproval)
	in = d.signedApproval(run, wire.DecisionInput{By: "gus@example.com"}, "gus@example.com", nil)
	require.ErrorContains(t, d.tryApprove(run, in), "with which henry@example.com has requested it")
	require.Zero(t, d.untilStatus(run, isAwaitingApproval).Approval.Given)
}

// Users, service users and offboardings are signed too, and their receipts hold, those of
// the former with the signed consent that they need.
func TestSigned_Accounts(t *testing.T) {
	t.Parallel()
	d := newSignedEnv(t)
	d.extraEnv = nil // starter is not told what the worker wants
	place := []string{"--role", d.requested.RoleID, "--scope", d.requested.ScopeID, "--level", "site"}
	for i, args := range [][]string{
		append([]string{"user", "create", "--email", "new@example.com", "--name", "New"}, place...),
		append([]string{"service-user", "create", "--name", "ci", "--token-until", "90d"}, place...),
		append([]string{"offboard", "--user", "new@example.com", "--yes"}, "--baseline-role", d.requested.RoleID,
			"--baseline-scope", d.requested.ScopeID, "--baseline-level", "site"), // which it holds
		{"offboard", "--user", "new@example.com", "--delete", "--yes"},
		{"service-user", "retire", "ci", "--yes"},
	} {
		signed := append(args, "--requester", "bob@example.com", "-o", "json")
		got := d.runApproved(append(signed, "--key", d.keys["bob@example.com"].path), "signed-"+strconv.Itoa(i))
		require.Zero(t, got.code, got.stderr)
		d.requireReceiptVerifies(got.stdout)
		got = d.starter(append(signed, "--id", "unsigned-"+strconv.Itoa(i))...)
		require.NotZero(t, got.code, args)
		require.Contains(t, got.stdout+got.stderr, "a signature is needed", args)
	}
	life := access.Duration(time.Hour)
	in := wire.ProvisionServiceUserInput{
		Name: "nightly", Role: access.RoleSelector{ID: d.requested.RoleID},
		Scope:     access.ScopeSelector{Level: d.requested.Level, ID: d.requested.ScopeID},
		TokenLife: &life, Requester: "bob@example.com", Console: d.consoleKey(),
	}
	id, at := wire.ProvisionID(t.Name()), d.now()
	asked := access.RequestSignature{Request: in.Spec(), SignedAt: at}
	in.Sign(d.sign("bob@example.com", signing.OfRequest(id, asked)), at)
	run := d.start(id, wire.ProvisionServiceUserType, in)
	d.untilStatus(run, isAwaitingApproval)
	d.approveSigned(run, "carol@example.com")
	d.approveSigned(run, "dave@example.com")
	got := d.result(run)
	require.Equal(t, wire.StateProvisioned, got.State, got.Message)
	d.requireReceiptVerifies(toJSON(t, got))
}

// A file is signed line by line, with the same key.
func TestSigned_Apply(t *testing.T) {
	t.Parallel()
	d := newSignedEnv(t)
	d.extraEnv = nil // starter is not told what the worker wants
	d.setRolesByHand(d.viewer, d.requested)
	file := filepath.Join(t.TempDir(), "access.csv")
	require.NoError(t, os.WriteFile(file, []byte("action,kind,principal,role,scope,level,reason,id\n"+
		"grant,user,"+d.user.ID+","+d.viewer.RoleID+","+d.viewer.ScopeID+",site,INC-1,\n"), 0o600))
	apply := []string{"apply", "-f", file, "--requester", "bob@example.com", "-o", "json"}
	got := d.starter(apply...)
	require.Contains(t, got.stdout, "a signature is needed", got.stderr)
	done := make(chan commandResult, 1)
	go func() { done <- d.starter(append(apply, "--key", d.keys["bob@example.com"].path)...) }()
	var line struct {
		ID string `json:"id"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &line))
	run := d.client.GetWorkflow(d.ctx(), line.ID, "")
	require.Eventually(t, func() bool { return len(d.ledgerEntries(run, "request")) == 2 }, limit, 50*time.Millisecond)
	d.approveSigned(run, "carol@example.com")
	d.approveSigned(run, "dave@example.com")
	again := <-done
	require.Zero(t, again.code, again.stdout+again.stderr)
	d.requireReceiptVerifies(toJSON(t, d.result(run)))
}
