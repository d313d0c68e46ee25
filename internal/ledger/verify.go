package ledger

import (
	"fmt"
	"maps"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// Report is what verifying one chain found.
type Report struct {
	Console string  `json:"console"`
	Entries int64   `json:"entries"`          // how many there are
	Head    Head    `json:"head"`             // of the entries there are
	Seals   *Seals  `json:"seals,omitempty"`  // nil: the ledger is not sealed
	Faults  []Fault `json:"faults,omitempty"` // none: the chain is whole. After a hundred they are only counted
	// Unchecked says what could not be verified, and what to do, a sentence each.
	Unchecked []string `json:"unchecked,omitempty"`
}

// Seals are the seals that a chain carries.
type Seals struct {
	From    int64  `json:"from"`    // the first entry that is sealed
	Entries int64  `json:"entries"` // how many are
	Key     string `json:"key"`     // that sealed the newest, as OpenSSH writes it
	// Newest is the newest sealed entry, as it leaves the database.
	Newest access.LedgerHead `json:"newest"`
}

// Fault is something that is wrong with a chain.
type Fault struct {
	Seq  int64  `json:"seq"`  // of the entry that is wrong, or the first one missing
	Text string `json:"text"` // a sentence
}

// Verifier finds what was altered, removed, inserted or reordered in one chain: it
// computes every hash again, every entry must name the one before it, and the last must
// be the one that the head names. Seals and heads noted elsewhere find what hashes cannot:
// that the whole chain and its head were rewritten, or emptied.
//
// After a fault it continues from what the entry says of itself, so that one altered entry
// is not reported as many.
type Verifier struct {
	report   Report
	noted    map[int64]Head
	trusted  []SealPublic
	seen     []string // fingerprints
	check    func(Entry) error
	keys     KeyHistory
	sealedBy map[string]int64 // the first entry that a key sealed, by fingerprint
	unsealed int64            // the first entry that should be sealed and is not
	unlisted int64            // faults beyond those listed
}

// VerifyOptions say what a chain is compared with besides itself. All may be zero.
type VerifyOptions struct {
	// Noted are heads that were noted earlier, outside the database: the entry of that number
	// must be there and have that hash. Zero heads are not compared.
	Noted []Head
	// Keys are the keys that may have sealed the chain, from outside the database.
	Keys []SealPublic
	// Fingerprints are of keys that sealed heads which were noted outside the database, whose public
	// halves the ledger records.
	Fingerprints []string
	// Check verifies what an entry says, such as the signature in it; nil checks nothing.
	Check func(Entry) error
}

// NewVerifier begins to verify a console's chain.
func NewVerifier(console string, o VerifyOptions) *Verifier {
	v := &Verifier{
		report: Report{Console: console}, noted: map[int64]Head{},
		trusted: o.Keys, seen: o.Fingerprints, check: o.Check,
		sealedBy: map[string]int64{},
	}
	for _, h := range o.Noted {
		if other, twice := v.noted[h.Seq]; twice && other != h {
			v.fault(h.Seq, "two heads noted earlier name entry %d and do not agree: %s and %s",
				h.Seq, other.Hash, h.Hash)
		}
		if h.Seq > 0 {
			v.noted[h.Seq] = h
		}
	}
	return v
}

// Add checks the next entry, in the order of their numbers.
func (v *Verifier) Add(e Entry) {
	before := v.report.Head
	switch next := before.Seq + 1; {
	case e.Seq == next && e.Prev != before.Hash && next == 1:
		v.fault(e.Seq, "entry 1 names an entry before it, and there is none")
	case e.Seq == next && e.Prev != before.Hash:
		v.fault(e.Seq, "entry %d does not follow entry %d: it names another hash than that one has", e.Seq, before.Seq)
	case e.Seq > next:
		v.fault(next, "%s missing before entry %d", entries(next, e.Seq-1), e.Seq)
	case e.Seq < next:
		v.fault(e.Seq, "an entry %d should not be there: the number is there already, or is below 1", e.Seq)
	}
	if e.Hash != e.Digest() {
		v.fault(e.Seq, "entry %d is not as it was written: its hash does not fit what it says", e.Seq)
	}
	if noted, is := v.noted[e.Seq]; is && e.Hash != noted.Hash {
		v.fault(e.Seq,
			"entry %d is not the one noted earlier, whose hash is %s: this entry or one before it was rewritten",
			e.Seq, noted.Hash)
	}
	v.addSeal(e)
	v.addContent(e)
	v.report.Entries++
	if e.Seq > before.Seq {
		v.report.Head = Head{Seq: e.Seq, Hash: e.Hash}
	}
}

// End compares the last entry with the head that is kept beside the chain and with the
// one noted earlier, and returns what was found.
func (v *Verifier) End(head Head) Report {
	last := v.report.Head
	switch {
	case head.Seq > last.Seq:
		v.fault(last.Seq+1, "%s missing at the end: the head says that %d is the last",
			entries(last.Seq+1, head.Seq), head.Seq)
	case head == Head{} && v.report.Entries > 0:
		v.fault(last.Seq, "the head is missing: entry %d is the last there is, and more may have been removed",
			last.Seq)
	case head.Seq < last.Seq:
		v.fault(head.Seq+1, "%s not written by this program: the head says that %d is the last",
			entries(head.Seq+1, last.Seq), head.Seq)
	case head.Hash != last.Hash:
		v.fault(last.Seq, "entry %d is not the one that was written last: the head has another hash", last.Seq)
	}
	if latest := slices.Max(append(slices.Collect(maps.Keys(v.noted)), 0)); latest > last.Seq {
		v.fault(last.Seq+1, "%s missing at the end: entry %d was noted earlier", entries(last.Seq+1, latest), latest)
	}
	v.endSeals()
	if v.report.Entries == 0 && len(v.report.Faults) == 0 {
		v.report.Unchecked = append(v.report.Unchecked, "the ledger is empty, and nothing outside the database says "+
			"whether it always was: pass a head noted earlier (--head), or the public key of the worker (--key)")
	}
	if v.unlisted > 0 {
		v.report.Faults = append(v.report.Faults,
			Fault{Seq: last.Seq, Text: fmt.Sprintf("%d more faults are not listed", v.unlisted)})
	}
	return v.report
}

// listedFaults bounds the list: of a chain with all hashes gone each entry is a fault.
const listedFaults = 100

func (v *Verifier) fault(seq int64, text string, args ...any) {
	if len(v.report.Faults) >= listedFaults {
		v.unlisted++
		return
	}
	v.report.Faults = append(v.report.Faults, Fault{Seq: seq, Text: fmt.Sprintf(text, args...)})
}

func entries(from, to int64) string {
	if from == to {
		return fmt.Sprintf("entry %d is", from)
	}
	return fmt.Sprintf("entries %d to %d are", from, to)
}
