package authority

import (
	"net/http"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// Record is what the ledger holds about one run of a request.
type Record struct {
	Run  ledger.Run
	Plan Planned // the last one
	// First is the first plan: it says by which policy the request is judged, and holds the
	// requester's signature.
	First Planned
	// Replaced are the plans before the last one.
	Replaced  []Planned
	Decisions []Decided
	Stops     []Stopped
	// Extensions are the later ends that somebody asked for, oldest first.
	Extensions []Extended
	// Cancelled says that a change of the run was cancelled before it was settled.
	Cancelled bool
	// Writes are those that may have reached the console, by the change they are part of,
	// oldest first.
	Writes map[string][]Written
	// Proofs are the settled changes, by key.
	Proofs map[string]access.Proof
	// Confirmations are the reads that confirm changes, by the key of the change, oldest first.
	Confirmations map[string][]ledger.Confirmation
	// Moved are the extensions that were carried out, oldest first.
	Moved []access.Extension
	// Unauthorized are the changes that were not written for lack of authority.
	Unauthorized []ledger.Unauthorized
	// Drift is the drift rule that has the system request a revoke; nil for a request by a person.
	Drift *ledger.Drift
	// Overdue says that the system itself has released the access; nil if its request did.
	Overdue *ledger.Overdue
	Receipt *access.Receipt

	proven []string // keys of the settled changes, oldest first
}

// Planned is a plan on record.
type Planned struct {
	ledger.Request

	At time.Time // when it was recorded, by the worker's clock
}

// Decided is a decision on record.
type Decided struct {
	ledger.Decision

	At time.Time // when it was recorded, by the worker's clock
}

// Stopped is a message on record that cancels the request or ends its access.
type Stopped struct {
	ledger.Stop

	At time.Time // when it was recorded, by the worker's clock
}

// Extended is an extension on record.
type Extended struct {
	ledger.ExtensionRequest

	At time.Time // when it was recorded, by the worker's clock
}

// Written is a write on record.
type Written struct {
	access.Write

	At time.Time // when it was recorded, by the worker's clock
	// Accepted says that the console has answered that it took it, and Refused that it did not.
	Accepted, Refused bool
}

// RecordOf reads the record of a run from the entries of its request, in their order.
func RecordOf(entries []ledger.Entry, run ledger.Run) (Record, error) {
	r := Record{
		Run: run, Writes: map[string][]Written{}, Proofs: map[string]access.Proof{},
		Confirmations: map[string][]ledger.Confirmation{},
	}
	for _, e := range entries {
		if e.Kind == ledger.KindDrift && e.Request == run.Request {
			body, err := ledger.DecodeAs[ledger.Drift](e)
			if err != nil {
				return Record{}, err
			}
			r.Drift = &body
		}
		if !run.Owns(e.Key) {
			continue
		}
		body, err := ledger.Decode(e)
		if err != nil {
			return Record{}, err
		}
		r.add(e, body)
	}
	return r, nil
}

func (r *Record) add(e ledger.Entry, body ledger.Body) {
	switch b := body.(type) {
	case ledger.Request:
		if _, given := r.Given(); given {
			return // what was given is judged by the plan that it was given by
		}
		if hash := r.Plan.Plan.Hash; hash != "" && hash != b.Plan.Hash {
			r.Replaced = append(r.Replaced, r.Plan)
		}
		r.Plan = Planned{Request: b, At: e.At}
		if r.First.At.IsZero() {
			r.First = r.Plan
		}
	case ledger.Decision:
		r.Decisions = append(r.Decisions, Decided{Decision: b, At: e.At})
	case ledger.Stop:
		r.Stops = append(r.Stops, Stopped{Stop: b, At: e.At})
	case ledger.ExtensionRequest:
		r.Extensions = append(r.Extensions, Extended{ExtensionRequest: b, At: e.At})
	case ledger.Extension:
		r.Moved = append(r.Moved, b.Extension)
	case ledger.Unauthorized:
		r.Unauthorized = append(r.Unauthorized, b)
	case ledger.Overdue:
		r.Overdue = &b
	case ledger.Cancelled:
		r.Cancelled = true
	case ledger.Write:
		change := ledger.ChangeOf(e)
		r.Writes[change] = append(r.Writes[change], Written{Write: b.Write, At: e.At})
	case ledger.Answer:
		if all := r.Writes[ledger.ChangeOf(e)]; len(all) > 0 {
			last := &all[len(all)-1]
			last.Accepted = b.Write.Status == http.StatusOK && b.Write.Error == ""
			last.Refused = refusedWith(b.Write.Status)
			last.Status, last.Error = b.Write.Status, b.Write.Error
		}
	case ledger.Proof:
		r.Proofs[ledger.ChangeOf(e)] = b.Proof
		r.proven = append(r.proven, ledger.ChangeOf(e))
	case ledger.Confirmation:
		change := ledger.ChangeOf(e)
		r.Confirmations[change] = append(r.Confirmations[change], b)
	case ledger.Receipt:
		r.Receipt = &b.Receipt
	}
}

// Lists calls do with every list of roles that judging the record needs: those of its plans, and of
// what has given access.
func (r *Record) Lists(do func(*access.Holdings)) {
	r.Plan.Plan.Lists(do)
	r.First.Plan.Lists(do)
	for i := range r.Replaced {
		r.Replaced[i].Plan.Lists(do)
	}
	for _, op := range []access.Op{access.OpAcquire, access.OpGrant} {
		if p, found := r.proofOf(op); found {
			p.Lists(do)
			r.Proofs[access.ChangeKey(r.Run.String(), op)] = p
		}
	}
}

// refusedWith says that a status means that the console did nothing.
func refusedWith(status int) bool {
	return status >= http.StatusBadRequest && status < http.StatusInternalServerError &&
		status != http.StatusRequestTimeout
}

// Requested says that the record holds a request with a plan.
func (r Record) Requested() bool { return r.Plan.Plan.Hash != "" }

// proofOf is the proof of one of the run's changes.
func (r Record) proofOf(op access.Op) (access.Proof, bool) {
	p, found := r.Proofs[access.ChangeKey(r.Run.String(), op)]
	return p, found
}

// Given is the proof of the change that gave the run's access, or found it there.
func (r Record) Given() (access.Proof, bool) {
	for _, op := range []access.Op{access.OpAcquire, access.OpGrant} {
		if p, found := r.proofOf(op); found && p.Granted() {
			return p, true
		}
	}
	return access.Proof{}, false
}

// released says that the run's access was released.
func (r Record) released() bool {
	_, found := r.proofOf(access.OpRelease)
	return found
}

// startedAt is when the run's access began: at the first write that the console accepted. If
// none was, and the access is there all the same, it is the last one that was sent: before
// each one a read had shown that those before it were without effect. It is zero while the
// access has not begun.
func (r Record) startedAt() time.Time {
	var last time.Time
	for _, op := range []access.Op{access.OpAcquire, access.OpGrant} {
		for _, w := range r.Writes[access.ChangeKey(r.Run.String(), op)] {
			if w.Accepted {
				return w.At
			}
			last = w.At
		}
		if p, found := r.proofOf(op); found && p.Granted() {
			if last.IsZero() && len(p.Reads) > 0 { // the role was there before
				return p.Reads[0].At
			}
			return last
		}
	}
	return time.Time{}
}
