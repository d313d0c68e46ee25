package ledger_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// A notification, whose event anybody chooses who can start its workflow, cannot stand where an
// entry of another kind stands, and neither can any other kind.
func TestNewEntry_KeyOfAnotherKind(t *testing.T) {
	t.Parallel()
	all := bodies()
	for name, body := range all {
		for other, taken := range all {
			if body.Kind() == taken.Kind() {
				continue
			}
			_, err := ledger.NewEntry{Request: grant.Request, Key: keyOf(taken), Body: body}.Entry(console, noon)
			require.ErrorIs(t, err, ledger.ErrBadEntry, "%s under the key of %s", name, other)
			require.ErrorContains(t, err, "cannot stand under key")
		}
	}
	change := access.ChangeKey(grant.String(), access.OpRelease)
	for _, event := range []string{
		grant.String(), grant.RequestKey(0), change, ledger.ProofKey(change), grant.String() + "/request",
		"signature", "",
		grant.String() + "/decision", grant.String() + "/acquire/write", "delegation", "grant/OTHER#run/x",
	} {
		for _, sender := range []string{"webhook", "receipt", "request", "proof", "0", "decision/0", "cancelled", ""} {
			key := ledger.NotificationKey(grant.Request, event, sender)
			require.Contains(t, key, "notification/")
			e, err := ledger.NewEntry{Request: grant.Request, Key: key, Body: all["notification"]}.Entry(console, noon)
			require.NoError(t, err, "%q %q", event, sender)
			require.Equal(t, key, e.Key)
		}
	}
}

// An entry stands under a key of the request that it is filed under.
func TestNewEntry_KeyOfAnotherRequest(t *testing.T) {
	t.Parallel()
	proof := bodies()["proof"]
	for request, fits := range map[string]bool{
		"grant/INC-42": true, "grant/INC-4": false, "grant/INC-421": false, "grant/INC-42#run": false,
		"grant/INC-42#run/acquire": false, "grant": false,
	} {
		_, err := ledger.NewEntry{Request: request, Key: keyOf(proof), Body: proof}.Entry(console, noon)
		require.Equal(t, fits, err == nil, request)
	}
}

// The keys that versions up to 0.4.0 wrote are read as they were: see [TestRunOf]. What they
// mean is known for decisions, which are still written so in tests of running requests.
func TestNewEntry_OldDecisionKey(t *testing.T) {
	t.Parallel()
	_, err := ledger.NewEntry{
		Request: grant.Request, Key: grant.NumberedDecisionKey(7), Body: bodies()["decision"],
	}.Entry(console, noon)
	require.NoError(t, err)
}

// Whatever the request, the key and its kind are, a key belongs to one kind of one request.
func FuzzKeySpace(f *testing.F) {
	all := bodies()
	for _, body := range all {
		f.Add(grant.Request, keyOf(body))
	}
	f.Add("grant/a#b/acquire", "grant/a#b/acquire#c/receipt")
	f.Add("signature/a", "signature/a#run/receipt")
	f.Add("notification", "notification/"+strings.Repeat("0", 64))
	f.Add("a", "a#b/extend/2/proof")
	f.Fuzz(func(t *testing.T, request, key string) {
		var fits []string
		for _, body := range all {
			e, err := ledger.NewEntry{Request: request, Key: key, Body: body}.Entry(console, noon)
			if err != nil {
				continue
			}
			fits = append(fits, string(e.Kind))
			if !strings.Contains(key, "#") {
				continue // of no request
			}
			require.True(t, strings.HasPrefix(key, request+"#"), "%q of %q", key, request)
			require.Equal(t, strings.Count(request, "#")+1, strings.Count(key, "#"), "%q of %q", key, request)
		}
		for _, kind := range fits {
			require.Equal(t, fits[0], kind, "%q of %q", key, request)
		}
	})
}

// The same decision has the same key, whenever it is recorded; another one has another.
func TestDecisionKey(t *testing.T) {
	t.Parallel()
	d := access.Decision{By: "carol@example.com", Action: "deny", PlanHash: "1", Signature: "S", SignedAt: noon}
	key := grant.DecisionKey(d, "")
	same := d
	same.At, same.Step, same.Signed, same.OnBehalfOf, same.CameAt = noon, 1, "SHA256:abc", "dave@example.com", noon
	require.Equal(t, key, grant.DecisionKey(same, ""))
	for name, change := range map[string]func(d *access.Decision){
		"by":        func(d *access.Decision) { d.By = "dave@example.com" },
		"action":    func(d *access.Decision) { d.Action = "approve" },
		"plan":      func(d *access.Decision) { d.PlanHash = "2" },
		"comment":   func(d *access.Decision) { d.Comment = "no" },
		"duration":  func(d *access.Decision) { d.Duration = 1 },
		"start":     func(d *access.Decision) { d.StartAt = noon },
		"signature": func(d *access.Decision) { d.Signature = "" },
		"signedAt":  func(d *access.Decision) { d.SignedAt = noon.Add(1) },
	} {
		other := d
		change(&other)
		require.NotEqual(t, key, grant.DecisionKey(other, ""), name)
	}
	require.NotEqual(t, key, grant.DecisionKey(d, "may not decide"))
	require.NotEqual(t, key, ledger.Run{Request: grant.Request, ID: "other"}.DecisionKey(d, ""))
}

func TestRunOfLease(t *testing.T) {
	t.Parallel()
	require.Equal(t, grant, ledger.RunOfLease(grant.String()))
	require.Equal(t, ledger.Run{Request: "grant/a#b", ID: "c"}, ledger.RunOfLease("grant/a#b#c"))
	require.Equal(t, ledger.Run{Request: "grant/a"}, ledger.RunOfLease("grant/a"))
}
