package ledger_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// anyBody is a body of any kind and JSON.
type anyBody struct {
	kind  ledger.Kind
	value any
}

func (b anyBody) Kind() ledger.Kind            { return b.kind }
func (b anyBody) MarshalJSON() ([]byte, error) { return json.Marshal(b.value) }

// The canonical form is public: everyone who has an entry can compute its hash.
func TestEntry_Digest(t *testing.T) {
	t.Parallel()
	e := ledger.Entry{
		Console: console, Seq: 2, At: time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC), Request: "grant/INC-42",
		Kind: "plan", Key: "ä", Body: json.RawMessage(`{}`), Prev: "00",
	}
	// From: printf '20:sentinelone-ledger-1,22:acmeco.sentinelone.net,1:2,16:1772539200000000,'\
	// '12:grant/INC-42,4:plan,2:ä,2:{},2:00,' | sha256sum
	require.Equal(t, "724385817c93b8979d13acef126a47c29246222e6bc7dfaa7b09b44442fca42c", e.Digest())
}

func TestNewEntry_Entry(t *testing.T) {
	t.Parallel()
	n := ledger.NewEntry{Request: "grant/INC-42", Key: grant.RequestKey(0), Body: anyBody{"request", map[string]any{
		"reason": "a<b & \x00ä\u2028",
	}}}
	now := time.Date(2026, 3, 3, 14, 0, 0, 123456789, time.FixedZone("", 7200))
	e, err := n.Entry(console, now)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 3, 3, 12, 0, 0, 123456000, time.UTC), e.At)
	require.Equal(t, `{"reason":"a\u003cb \u0026 \u0000ä\u2028"}`, string(e.Body))
	n.At = now.Add(time.Hour)
	e, err = n.Entry(console, now)
	require.NoError(t, err)
	require.Equal(t, 13, e.At.Hour())
	n.Body = anyBody{"request", json.RawMessage(`{"a": "\ud800` + "\xff" + `"}`)}
	e, err = n.Entry(console, now)
	require.NoError(t, err)
	require.True(t, json.Valid(e.Body))
}

// What cannot be written is refused in words.
func TestNewEntry_Bad(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(n *ledger.NewEntry){
		"the request of":  func(n *ledger.NewEntry) { n.Request = "" },
		"the kind of":     func(n *ledger.NewEntry) { n.Body = anyBody{} },
		"the key of":      func(n *ledger.NewEntry) { n.Key = "" },
		"has no body":     func(n *ledger.NewEntry) { n.Body = nil },
		"is not text":     func(n *ledger.NewEntry) { n.Request = "grant/\x00" },
		"make it UTF-8":   func(n *ledger.NewEntry) { n.Key = "\xff" },
		"encode the body": func(n *ledger.NewEntry) { n.Body = anyBody{"cancelled", math.Inf(1)} },
	} {
		n := ledger.NewEntry{Request: "grant/1", Key: "grant/1#run/cancelled", Body: ledger.Cancelled{}}
		_, err := n.Entry(console, noon)
		require.NoError(t, err)
		spoil(&n)
		_, err = n.Entry(console, noon)
		require.ErrorIs(t, err, ledger.ErrBadEntry)
		require.ErrorContains(t, err, want)
	}
	_, err := ledger.NewEntry{
		Request: "grant/1", Key: "grant/1#run/cancelled", Body: ledger.Cancelled{},
	}.Entry("", noon)
	require.ErrorContains(t, err, "the console of")
}

// The keys are written out here: an entry must be found under the key of another version.
func TestKeys(t *testing.T) {
	t.Parallel()
	change := access.ChangeKey(grant.String(), access.OpAcquire)
	const hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // of nothing
	const (
		ofStop      = "d3d79fc149e15193792eebf0d7619c973eff05efaa88f85955cc4c18a3879737"
		ofExtension = "cf845a0bfb18983d896202ac6e03e6b2b4d270b2e596bd1bd5730f3729ab150a"
	)
	for want, got := range map[string]string{
		"grant/INC-42#run":                   grant.String(),
		"grant/INC-42#run/request":           grant.RequestKey(0),
		"grant/INC-42#run/request/2":         grant.RequestKey(2),
		"grant/INC-42#run/decision/0":        grant.NumberedDecisionKey(0),
		"grant/INC-42#run/delegation":        grant.DelegationKey(),
		"grant/INC-42#run/cancelled":         grant.CancelledKey(),
		"grant/INC-42#run/receipt":           grant.ReceiptKey(),
		"grant/INC-42#run/acquire":           change,
		"grant/INC-42#run/acquire/write/0":   ledger.WriteKey(change, 0),
		"grant/INC-42#run/acquire/answer/12": ledger.AnswerKey(change, 12),
		"grant/INC-42#run/acquire/token/0":   ledger.TokenKey(change, 0),
		"grant/INC-42#run/acquire/proof":     ledger.ProofKey(change),
		"grant/INC-42#run/acquire/extension": ledger.ExtensionKey(change),
		"grant/INC-42#run/acquire/cancelled": ledger.CancelledChangeKey(change),
		"signature/" + hash:                  ledger.SignatureKey(nil),
		"delegation/" + hash:                 ledger.SignedDelegationKey(nil),
		"grant/INC-42#run/notification/3/webhook": ledger.NotificationKey(
			grant.Request, "grant/INC-42#run/3", "webhook"),
		"grant/INC-42#run/stop/" + ofStop: grant.StopKey(
			access.Stop{Action: "end", By: "carol@example.com"}, ""),
		"grant/INC-42#run/extensionRequest/" + ofExtension: grant.ExtensionRequestKey(
			access.ExtensionRequest{By: "bob@example.com"}),
	} {
		require.Equal(t, want, got)
	}
}

func TestRunOf(t *testing.T) {
	t.Parallel()
	change := access.ChangeKey(grant.String(), access.OpAcquire)
	for key, want := range map[string]string{
		grant.RequestKey(0):          "run",
		grant.NumberedDecisionKey(3): "run",
		ledger.WriteKey(change, 1):   "run",
		ledger.ProofKey(change):      "run",
		ledger.SignatureKey(nil):     "",
		"grant/INC-421#run/request":  "",
		"grant/INC-42":               "",
		"":                           "",
	} {
		got := ledger.RunOf(ledger.Entry{Request: grant.Request, Key: key})
		require.Equal(t, ledger.Run{Request: grant.Request, ID: want}, got, key)
		require.Equal(t, want != "", grant.Owns(key), key)
	}
	require.False(t, grant.Owns("grant/INC-42#run2/request"))
}

func TestChangeOf(t *testing.T) {
	t.Parallel()
	odd := ledger.Run{Request: "grant/write/7", ID: "run"} // people choose ids
	for _, lease := range []ledger.Run{grant, odd} {
		change := access.ChangeKey(lease.String(), access.OpAcquire)
		for _, e := range []ledger.Entry{
			{Kind: ledger.KindWrite, Key: ledger.WriteKey(change, 1)},
			{Kind: ledger.KindAnswer, Key: ledger.AnswerKey(change, 12)},
			{Kind: ledger.KindProof, Key: ledger.ProofKey(change)},
		} {
			require.Equal(t, change, ledger.ChangeOf(e))
			e.Kind = ledger.KindToken
			require.Empty(t, ledger.ChangeOf(e))
		}
		require.NotEqual(t, change, ledger.ChangeOf(ledger.Entry{Kind: ledger.KindReceipt, Key: lease.ReceiptKey()}))
	}
	require.Empty(t, ledger.ChangeOf(ledger.Entry{Kind: ledger.KindWrite, Key: "write"}))
	require.Empty(t, ledger.ChangeOf(ledger.Entry{}))
}
