package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Run is one run of a request. Its workflow id may be used again, so keys name the run
// too.
type Run struct {
	Request string // workflow id, such as grant/INC-42
	ID      string // original run id
}

// RunOf is the run that an entry belongs to. Its ID is "" where the entry's key names
// none: entries about signatures stand under what was signed.
func RunOf(e Entry) Run {
	run := Run{Request: e.Request}
	if rest, found := strings.CutPrefix(e.Key, e.Request+"#"); found {
		run.ID, _, _ = strings.Cut(rest, "/")
	}
	return run
}

// String is the name of the run in keys: "grant/INC-42#run".
func (r Run) String() string { return r.Request + "#" + r.ID }

// Owns says whether the key is of an entry of this run.
func (r Run) Owns(key string) bool { return strings.HasPrefix(key, r.String()+"/") }

// RequestKey is the key of the request with its plan. round counts the plans of a run,
// from 0.
func (r Run) RequestKey(round int) string {
	if round == 0 {
		return r.key(KindRequest)
	}
	return numbered(r.key(KindRequest), round)
}

// DecisionKey says what a decision is: it is made of what the person decided, so that another
// decision never finds its answer, whatever number the workflow gives it. A signature is used
// for this key, and entries stand under [DecisionEntryKey]. refusal is why the workflow does
// not count the decision; "" if it does.
//
// Times that the worker sets are not in it: after a reset, the same decision finds its answer.
func (r Run) DecisionKey(d access.Decision, refusal string) string {
	return r.key(KindDecision) + "/" + sum(netstrings(
		"sentinelone-decision-key-1", d.By, d.Action, d.PlanHash, d.Comment, d.Duration.String(), instant(d.StartAt),
		d.Signature, instant(d.SignedAt), refusal,
	))
}

// DecisionEntryKey is the key of the entry of a decision. n counts the decisions of a run, from 0, so
// that a person who decides the same once more, since a reason against it is gone, gets
// another answer.
func DecisionEntryKey(decision string, n int) string { return numbered(decision, n) }

// NumberedDecisionKey is the key of the nth decision of a run, from 0, as versions up to
// 0.4.0 wrote it.
func (r Run) NumberedDecisionKey(n int) string { return numbered(r.key(KindDecision), n) }

// DelegationKey is the key of the delegation that the run records.
func (r Run) DelegationKey() string { return r.key(KindDelegation) }

// CancelledKey is the key of the entry that says that the run's grant was cancelled.
func (r Run) CancelledKey() string { return r.key(KindCancelled) }

// ExtensionRequestKey is the key of the extension that somebody asks for at that time. Its
// approval is no part of it: the first answer is the one that counts.
func (r Run) ExtensionRequestKey(x access.ExtensionRequest) string {
	return r.key(KindExtensionRequest) + "/" + sum(netstrings(
		"sentinelone-extension-key-1", x.By, x.Duration.String(), instant(x.From), instant(x.EndsAt), instant(x.At),
	))
}

// StopKey is the key of a message that stops the run, by what it says and not by when it came:
// the same message has one answer. refusal is why the workflow does not count it; "" if it does.
func (r Run) StopKey(s access.Stop, refusal string) string {
	return r.key(KindStop) + "/" + sum(netstrings(
		"sentinelone-stop-key-1", s.Action, s.By, s.Comment, s.Signature, instant(s.SignedAt), refusal,
	))
}

// FreezeKey is the key of the message that the run records: that giving access is frozen, or
// goes on.
func (r Run) FreezeKey() string { return r.key(KindFreeze) }

// ReceiptKey is the key of the receipt.
func (r Run) ReceiptKey() string { return r.key(KindReceipt) }

func (r Run) key(k Kind) string { return under(r.String(), k) }

// WriteKey is the key of the nth write of a change, from 0.
func WriteKey(change string, n int) string { return numbered(under(change, KindWrite), n) }

// AnswerKey is the key of the answer to the nth write of a change, from 0.
func AnswerKey(change string, n int) string { return numbered(under(change, KindAnswer), n) }

// TokenKey is the key of the entry about the token that the nth write of a change gave,
// from 0.
func TokenKey(change string, n int) string { return numbered(under(change, KindToken), n) }

// ProofKey is the key of the proof of a change.
func ProofKey(change string) string { return under(change, KindProof) }

// ExtensionKey is the key of the extension that a change carries out.
func ExtensionKey(change string) string { return under(change, KindExtension) }

// CancelledChangeKey is the key of the entry that says that a change was cancelled.
func CancelledChangeKey(change string) string { return under(change, KindCancelled) }

// ConfirmationKey is the key of the nth read that confirms a change, from 0.
func ConfirmationKey(change string, n int) string {
	return numbered(under(change, KindConfirmation), n)
}

// OverdueKey is the key of the entry that says that the system itself carries out a release.
func OverdueKey(change string) string { return under(change, KindOverdue) }

// UnauthorizedKey is the key of the entry that says why a change was not written. There is
// one for each reason.
func UnauthorizedKey(change, reason string) string {
	return under(change, KindUnauthorized) + "/" + reason
}

// StrayUnauthorizedKey is the key of the entry about a change that no request of the ledger can
// have asked for, so that its own key cannot be used.
func StrayUnauthorizedKey(change, reason string) string {
	return string(KindUnauthorized) + "/" + sum(netstrings(change, reason))
}

// ChangeOf is the change that an entry is about: its key without the kind and the number
// behind it. It is "" where the key is not built so; of an entry that is about no change it
// is something that no change is called.
func ChangeOf(e Entry) string {
	key := e.Key
	if i := strings.LastIndexByte(key, '/'); i >= 0 && i+1 < len(key) && strings.Trim(key[i+1:], "0123456789") == "" {
		key = key[:i]
	}
	change, found := strings.CutSuffix(key, "/"+string(e.Kind))
	if !found {
		return ""
	}
	return change
}

// SignatureKey is the key of a signature's use. It goes by the statement, since some
// kinds of keys have many signatures for one.
func SignatureKey(statement []byte) string { return string(KindSignature) + "/" + sum(statement) }

// SignedDelegationKey is the key of a delegation that was signed and counts.
func SignedDelegationKey(statement []byte) string {
	return string(KindDelegation) + "/" + sum(statement)
}

// NotificationKey is the key of one delivery of an event of a request; request is "" for
// an event of none. Whoever starts a delivery chooses the event, so its text is in the key
// only where it cannot be mistaken for anything else.
func NotificationKey(request, event, sender string) string {
	run := RunOf(Entry{Request: request, Key: event})
	number, of := strings.CutPrefix(event, run.String()+"/")
	switch {
	case request == "" || run.ID == "" || strings.Contains(run.ID, "#") || !of:
		return string(KindNotification) + "/" + sum(netstrings(event, sender))
	case isWord(number) && isWord(sender):
		return run.key(KindNotification) + "/" + number + "/" + sender
	}
	return run.key(KindNotification) + "/" + sum(netstrings(event, sender))
}

// RunOfLease is the run that holds a lease: its id is the run's name.
func RunOfLease(id string) Run {
	at := strings.LastIndexByte(id, '#')
	if at < 0 {
		return Run{Request: id}
	}
	return Run{Request: id[:at], ID: id[at+1:]}
}

func under(prefix string, k Kind) string { return prefix + "/" + string(k) }

func numbered(key string, n int) string { return key + "/" + strconv.Itoa(n) }

func sum(statement []byte) string {
	s := sha256.Sum256(statement)
	return hex.EncodeToString(s[:])
}

// instant is a time as keys have it: with all its digits, and "" for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// netstrings writes each field with its length, so that no two lists are written alike.
func netstrings(fields ...string) []byte {
	var form []byte
	for _, field := range fields {
		form = strconv.AppendInt(form, int64(len(field)), 10)
		form = append(form, ':')
		form = append(form, field...)
		form = append(form, ',')
	}
	return form
}
