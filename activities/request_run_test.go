package activities

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// executeBy is one attempt in the workflow and run of that id.
func executeBy[Out any](d *grantFixture, workflow, run, name string, in any) (Out, error) {
	d.t.Helper()
	env := attempttest.Env(attempttest.RunBy(workflow, run), &fakeAttemptInfo{desk: d})
	d.request.Register(env)
	d.accounts().Register(env)
	return attempttest.Execute[Out](d.t, env, name, in)
}

func (d *grantFixture) accounts() *Accounts {
	out := NewAccounts(d.client, d.store, nil, NewAuthority(d.store, d.client.Console(), nil))
	out.runs = d.request.runs
	return out
}

// inputsOfGrant are inputs of all activities of requests, that name grant/1 and its run "run".
func (d *grantFixture) inputsOfGrant() map[string]any {
	of := d.grantInput().Request
	plan := access.Plan{
		Op: access.OpGrant, Console: d.client.Console(), Terms: access.Terms{Requester: "bob@example.com"},
		Account: &access.NewAccount{Kind: access.User, Email: "ana@example.com", Name: "Ana"},
	}.Seal()
	return map[string]any{
		wire.PlanActivity:   d.grantInput(),
		wire.DecideActivity: d.decideInput(0, "deny"),
		wire.CloseActivity:  wire.CloseInput{Request: of, Plan: plan, State: "granted"},
		wire.ApplyActivity: wire.ApplyInput{Request: of, Change: wire.ChangeRequest{
			Key: "grant/1#run/release", Request: of.ID, Change: access.Change{Op: access.OpRelease},
		}},
		wire.DelegateActivity: wire.DelegateInput{Request: of, Delegation: access.Delegation{
			By: "carol@example.com", To: "dave@example.com", At: d.now, Until: d.now.AddDate(0, 0, 1),
		}},
		wire.FreezeActivity: wire.FreezeActivityInput{
			Request: of, Freeze: access.Freeze{By: "carol@example.com"},
		},
		wire.UserCreateActivity: wire.CreateInput{
			Request: of, Key: "grant/1#run/create", Plan: plan, Cancel: true,
		},
		wire.ServiceUserCreateActivity: wire.CreateInput{
			Request: of, Key: "grant/1#run/create", Plan: plan, Cancel: true,
		},
	}
}

// An activity does nothing for a request whose workflow does not run it, whatever its input says,
// nor for another run of the id.
func TestRequestActivities_OfAnotherWorkflow(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.request.runs.ask = func(context.Context, string, string) (string, error) { return "second", nil }
	for name, in := range d.inputsOfGrant() {
		for _, by := range [][2]string{{"evil", "run"}, {"grant/1#run", "run"}, {"grant/1", "second"}, {"", ""}} {
			workflow := by[0]
			if workflow == "" {
				workflow = "default-test-workflow-id"
			}
			_, err := executeBy[any](d, workflow, by[1], name, in)
			app := attempttest.ApplicationError(t, err)
			require.Equal(t, string(kinds.Invalid), app.Type(), name)
			require.True(t, app.NonRetryable(), name)
			require.Contains(t, app.Message(), "works for another workflow: its input names grant/1#run", name)
		}
	}
	require.Empty(t, d.ledger("grant/1"))
	require.Zero(t, d.console.RequestCount())
}

// The changes that an activity works on are of its own request.
func TestRequestActivities_ChangeOfAnotherRequest(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	for _, change := range []wire.ChangeRequest{
		{Key: "grant/2#run/release", Request: "grant/1"},
		{Key: "grant/1#run/release", Request: "grant/2"},
		{Key: "grant/1#other/release", Request: "grant/1"},
	} {
		change.Change.Op = access.OpRelease
		_, err := executeBy[any](d, "grant/1", "run", wire.ApplyActivity, wire.ApplyInput{
			Request: d.grantInput().Request, Change: change,
		})
		app := attempttest.ApplicationError(t, err)
		require.True(t, app.NonRetryable())
		require.Contains(t, app.Message(), "belongs to another request than grant/1#run")
	}
	_, err := executeBy[any](d, "grant/1", "run", wire.UserCreateActivity, wire.CreateInput{
		Request: d.grantInput().Request, Key: "grant/2#run/create", Plan: access.Plan{Account: &access.NewAccount{}},
	})
	require.ErrorContains(t, err, "belongs to another request")
	require.Empty(t, d.ledger("grant/1"))
	require.Empty(t, d.ledger("grant/2"))
}

// After a reset the run's id is another one. Temporal is asked once which run it began as; while it
// cannot say, the activity is tried again.
func TestRequestActivities_AfterAReset(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	before, err := executeBy[wire.DecideResult](d, "grant/1", "run", wire.DecideActivity, d.decideInput(0, "deny"))
	require.NoError(t, err)
	var asked []string
	original, failure := "run", errors.New("no connection")
	d.request.runs.ask = func(_ context.Context, workflow, run string) (string, error) {
		asked = append(asked, workflow+" "+run)
		return original, failure
	}
	_, err = executeBy[any](d, "grant/1", "reset", wire.DecideActivity, d.decideInput(0, "deny"))
	require.False(t, attempttest.ApplicationError(t, err).NonRetryable())
	require.ErrorContains(t, err, "cannot read from Temporal which run reset of grant/1 was reset from: retrying")
	failure = nil
	for range 2 {
		again, err := executeBy[wire.DecideResult](d, "grant/1", "reset", wire.DecideActivity, d.decideInput(0, "deny"))
		require.NoError(t, err)
		require.Equal(t, before, again)
	}
	require.Equal(t, []string{"grant/1 reset", "grant/1 reset"}, asked, "the answer is known from then on")
	require.Equal(t, []ledger.Kind{ledger.KindDecision}, d.ledger("grant/1"))
}

// A denial stands after a reset: an approval of the same number is a decision of its own.
func TestDecide_AnotherDecisionUnderTheNumber(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	deny, approve := d.decideInput(0, "deny"), d.decideInput(0, "approve")
	approve.Decision.By = "eve@example.com"
	d.decide(deny)
	d.decide(approve)
	d.decide(deny)
	entries, err := d.store.LedgerOf(t.Context(), d.who.Console, "grant/1")
	require.NoError(t, err)
	var got []string
	for _, e := range entries {
		body, err := ledger.DecodeAs[ledger.Decision](e)
		require.NoError(t, err)
		got = append(got, body.Decision.By+" "+body.Decision.Action)
	}
	require.Equal(t, []string{"carol@example.com deny", "eve@example.com approve"}, got)
}

// A delivery, whose event and receiver anybody chooses who can start it, writes no entry of a request that
// does not have the event.
func TestSend_WritesNothingElse(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	n := newNotifyFixture(t, d.store, d.client.Console())
	for _, event := range []string{"grant/1#run", "grant/1#run/decision", "grant/1#run/release", "signature"} {
		for _, sender := range []string{"receipt", "request", "cancelled", "0", "proof"} {
			in := wire.SendInput{Sender: sender, Event: wire.Event{ID: event, Request: "grant/1"}}
			require.NoError(t, n.execute(wire.SendActivity, in))
			require.NoError(t, n.execute(wire.GaveUpActivity, in), "the first outcome stays")
		}
	}
	require.Empty(t, d.ledger("grant/1"))
	for _, kind := range d.ledger(string(ledger.KindNotification)) {
		require.Equal(t, ledger.KindNotification, kind)
	}
	out, err := executeActivity[wire.CloseResult](d, wire.CloseActivity, wire.CloseInput{
		Request: d.grantInput().Request, State: "cancelled", Plan: d.plan(d.grantInput()).Plan,
	})
	require.NoError(t, err)
	require.Equal(t, "cancelled", out.Receipt.State)
}

// Writes, answers and proofs name the principal, so that they are found by it.
func TestWrite_NamesThePrincipal(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	out := d.mustWrite(d.change(access.OpGrant, lease("1", d.soc)))
	subject := ledger.Subject{Kind: d.who.Kind, ID: d.who.ID}.String()
	entries, err := d.store.LedgerOfSubject(t.Context(), d.who.Console, subject, 0)
	require.NoError(t, err)
	require.Len(t, entries, 4, "and the request")
	last, found, err := d.store.LastProofOf(t.Context(), d.who.Console, subject)
	require.NoError(t, err)
	require.True(t, found)
	proof, err := ledger.DecodeAs[ledger.Proof](last)
	require.NoError(t, err)
	require.Equal(t, out.Proof, proof.Proof)
}
