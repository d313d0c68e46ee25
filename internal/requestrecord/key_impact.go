package requestrecord

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// KeyImpact is what rests on one key by the ledger, and what becomes of it once the key is
// revoked.
type KeyImpact struct {
	Console string `json:"console"` // host name
	Key     string `json:"key"`     // fingerprint, as in SHA256:…
	// Requests rest on a signature of the key and are not over, oldest first.
	Requests []KeyUse `json:"requests"`
	// Delegations are in force and were signed by the key.
	Delegations []KeyDelegation `json:"delegations"`
	// Ended are requests that are over; nothing changes for them.
	Ended []KeyUse `json:"ended"`
}

// KeyUse is one request that rests on a key.
type KeyUse struct {
	ID        string      `json:"id"` // workflow id
	Run       string      `json:"run"`
	Plan      access.Plan `json:"-"`
	What      string      `json:"what"`   // the plan in a sentence
	Signed    []string    `json:"signed"` // what the key signed, as in "the approval of carol@example.com"
	State     KeyUseState `json:"state"`
	Until     *time.Time  `json:"until,omitempty"`     // of [KeyHeld]
	IfRevoked string      `json:"ifRevoked,omitempty"` // what becomes of it
}

// KeyDelegation is a delegation that rests on a key.
type KeyDelegation struct {
	access.Delegation

	IfRevoked string `json:"ifRevoked"`
}

// KeyUseState says how far a request is that rests on a key.
type KeyUseState string

// How far a request is.
const (
	KeyPending   KeyUseState = "pending"            // it waits for decisions
	KeyApproved  KeyUseState = "approvedNotApplied" // nothing is written yet
	KeyHeld      KeyUseState = "held"               // access is in force, until a time
	KeyPermanent KeyUseState = wire.StateGranted    // access was given without an end
	KeyEnded     KeyUseState = "ended"              // nothing of it is in force
)

// ifRevoked says what becomes of a request in a state.
var ifRevoked = map[KeyUseState]string{
	KeyPending:   "ends refused (unauthorized) once it is applied: cancel it, and request it again",
	KeyApproved:  "ends refused (unauthorized), and nothing is written: request it again",
	KeyHeld:      "goes on to its end, and cannot be extended on this signature: `starter end` ends it now",
	KeyPermanent: "stays: `starter revoke` removes it, if it is still held",
}

const delegationIfRevoked = "counts for nothing from then on, and neither do decisions made by it"

// KeyImpact lists what rests on a key, by its fingerprint. Entries that cannot be read are
// an [*UnreadableError] beside the rest; with any other error the impact is empty.
func (r Reader) KeyImpact(ctx context.Context, key string, now time.Time) (KeyImpact, error) {
	out := KeyImpact{
		Console: r.Console, Key: key, Requests: []KeyUse{}, Delegations: []KeyDelegation{}, Ended: []KeyUse{},
	}
	ids, err := r.namedWith(ctx, key)
	if err != nil {
		return KeyImpact{}, err
	}
	var unreadable []error
	for _, id := range ids {
		entries, err := r.Store.LedgerOf(ctx, r.Console, id)
		if err != nil {
			return KeyImpact{}, err
		}
		for _, run := range runsOf(entries) {
			record := recordOfRun(id, run, entries)
			unreadable = append(unreadable, record.Unreadable())
			out.add(record, key)
		}
	}
	delegations, err := r.Store.Delegations(ctx, store.DelegationsQuery{Console: r.Console, At: now})
	if err != nil {
		return KeyImpact{}, err
	}
	for _, d := range delegations {
		if d.Signed == key {
			out.Delegations = append(out.Delegations, KeyDelegation{Delegation: d, IfRevoked: delegationIfRevoked})
		}
	}
	if err := errors.Join(unreadable...); err != nil {
		return out, &UnreadableError{Entries: err}
	}
	return out, nil
}

// namedWith lists the workflow ids of requests whose entries hold a fingerprint, oldest first.
func (r Reader) namedWith(ctx context.Context, key string) (ids []string, err error) {
	seen := map[string]bool{}
	err = r.Store.WalkLedger(ctx, r.Console, func(e ledger.Entry) error {
		if !seen[e.Request] && strings.Contains(string(e.Body), key) {
			seen[e.Request] = true
			ids = append(ids, e.Request)
		}
		return nil
	})
	return ids, err
}

// runsOf lists the runs in the entries of one workflow id.
func runsOf(entries []ledger.Entry) (runs []string) {
	for _, e := range entries {
		if run := ledger.RunOf(e).ID; run != "" && !slices.Contains(runs, run) {
			runs = append(runs, run)
		}
	}
	return runs
}

func recordOfRun(id, run string, entries []ledger.Entry) Record {
	out := Record{ID: id, Run: run}
	out.keepLatestRun(entries)
	out.assemble()
	return out
}

// add files a request under what becomes of it, if it rests on the key.
func (i *KeyImpact) add(r Record, key string) {
	signed := r.signedWith(key)
	if len(signed) == 0 || r.Plan == nil {
		return
	}
	use := KeyUse{ID: r.ID, Run: r.Run, Plan: *r.Plan, What: describe.Plan(*r.Plan), Signed: signed}
	use.State, use.Until = r.inForce()
	if use.State == KeyEnded {
		i.Ended = append(i.Ended, use)
		return
	}
	use.IfRevoked = ifRevoked[use.State]
	i.Requests = append(i.Requests, use)
}

// signedWith says what of a request a key signed and what counted, denials too.
func (r Record) signedWith(key string) []string {
	var out []string
	note := func(text string) {
		if !slices.Contains(out, text) { // a plan made again repeats the request's signature
			out = append(out, text)
		}
	}
	for _, entry := range r.Entries {
		switch body := entry.Body.(type) {
		case ledger.Request:
			if s := body.Verified(); s != nil && s.Signed == key {
				note("the request of " + body.Plan.Terms.Requester)
			}
		case ledger.Decision:
			if body.Refusal == "" {
				noteDecision(note, body.Decision, key)
			}
		}
	}
	return out
}

func noteDecision(note func(string), d access.Decision, key string) {
	name := map[string]string{approval.Approve: "the approval", approval.Deny: "the denial"}[d.Action]
	if d.Signed == key {
		note(fmt.Sprintf("%s of %s", name, d.Who()))
	}
	if d.Delegation != nil && d.Delegation.Signed == key {
		note(fmt.Sprintf("the delegation from %s for %s of %s", d.Delegation.By, name, d.By))
	}
}

// inForce says how far a request is by the ledger, and until when its access is in force.
func (r Record) inForce() (KeyUseState, *time.Time) {
	switch {
	case r.Receipt != nil && (r.Receipt.State == wire.StateGranted || r.Receipt.State == wire.StateProvisioned):
		return KeyPermanent, nil
	case r.Receipt != nil || r.settled(access.OpRelease) != nil:
		return KeyEnded, nil
	}
	if given := r.settled(access.OpGrant); given != nil && given.Granted() {
		return KeyPermanent, nil
	}
	if given := r.settled(access.OpAcquire); given != nil && given.Granted() {
		return KeyHeld, r.leaseEnd(*given)
	}
	switch r.replayed().State.Verdict {
	case approval.Approved:
		return KeyApproved, nil
	case approval.Denied, approval.TimedOut:
		return KeyEnded, nil
	}
	return KeyPending, nil
}

// settled is the proof of the run's change of that kind; nil without one.
func (r Record) settled(op access.Op) *access.Proof {
	for i := range r.Proofs {
		if r.Proofs[i].Op == op {
			return &r.Proofs[i]
		}
	}
	return nil
}

// replayed takes the counted decisions on the plan through the approval machine.
func (r Record) replayed() approval.Replayed {
	opened := approval.Of(*r.Plan, r.PlannedAt)
	opened.Deadline = time.Time{} // only the workflow knows when people were asked
	current := r.CurrentDecisions()
	decisions := make([]access.Decision, len(current))
	for i, d := range current {
		decisions[i] = d.Decision
	}
	return approval.Replay(opened, decisions)
}

// leaseEnd is when access ends that was given by a change: by the last extension, else by
// the approved terms, but no later than its review while that has not passed; nil if it has
// no end.
func (r Record) leaseEnd(given access.Proof) *time.Time {
	var end time.Time
	begun, s := r.begunAt(given), r.replayed().State
	if terms := s.Terms(); terms.Duration > 0 {
		from := begun
		if !terms.StartAt.IsZero() {
			from = terms.StartAt
		}
		end = from.Add(time.Duration(terms.Duration))
	}
	for _, entry := range r.Entries {
		if body, is := entry.Body.(ledger.Extension); is && body.Extension.EndsAt.After(end) {
			end = body.Extension.EndsAt
		}
	}
	if review := r.Plan.Approval.Review; review != nil && s.Verdict != approval.Approved {
		if by := begun.Add(time.Duration(review.Within)); end.IsZero() || by.Before(end) {
			end = by
		}
	}
	if end.IsZero() {
		return nil
	}
	return new(end.UTC())
}

// begunAt is when access began that was given by a change: at its first write, else when it
// was found.
func (r Record) begunAt(given access.Proof) time.Time {
	for _, entry := range r.Entries {
		if _, is := entry.Body.(ledger.Write); is && ledger.ChangeOf(entry.Entry) == given.Key {
			return entry.At
		}
	}
	if len(given.Reads) > 0 {
		return given.Reads[0].At
	}
	return r.PlannedAt
}

// Keys lists the fingerprints of the keys whose signatures are on record, each with the name
// that it signed for last.
func (r Reader) Keys(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	err := r.Store.WalkLedger(ctx, r.Console, func(e ledger.Entry) error {
		if e.Kind != ledger.KindSignature {
			return nil
		}
		if body, err := ledger.DecodeAs[ledger.Signature](e); err == nil {
			out[body.Signed] = signerIn(body.Statement)
		}
		return nil
	})
	return out, err
}

// signerIn is the name in a signed statement; "" without one.
func signerIn(statement string) string {
	for line := range strings.Lines(statement) {
		if by, is := strings.CutPrefix(line, "by: "); is {
			return strings.TrimSpace(by)
		}
	}
	return ""
}
