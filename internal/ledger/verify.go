package ledger

import "fmt"

// Report is what verifying one chain found.
type Report struct {
	Console string  `json:"console"`
	Entries int64   `json:"entries"`          // how many there are
	Head    Head    `json:"head"`             // of the entries there are
	Faults  []Fault `json:"faults,omitempty"` // none: the chain is whole. After a hundred they are only counted
}

// Fault is something that is wrong with a chain.
type Fault struct {
	Seq  int64  `json:"seq"`  // of the entry that is wrong, or the first one missing
	Text string `json:"text"` // a sentence
}

// Verifier finds what was altered, removed, inserted or reordered in one chain: it
// computes every hash again, every entry must name the one before it, and the last must
// be the one that the head names. It proves nothing about somebody who has rewritten the
// whole chain and its head, unless a head that was noted elsewhere is given.
//
// After a fault it continues from what the entry says of itself, so that one altered entry
// is not reported as many.
type Verifier struct {
	report   Report
	noted    Head
	unlisted int64 // faults beyond those listed
}

// NewVerifier begins to verify a console's chain. noted is a head that was noted earlier,
// outside the database: the entry of that number must be there and have that hash. A zero
// head is not compared.
func NewVerifier(console string, noted Head) *Verifier {
	return &Verifier{report: Report{Console: console}, noted: noted}
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
	if e.Seq == v.noted.Seq && e.Seq > 0 && e.Hash != v.noted.Hash {
		v.fault(e.Seq,
			"entry %d is not the one noted earlier, whose hash is %s: this entry or one before it was rewritten",
			e.Seq, v.noted.Hash)
	}
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
	if v.noted.Seq > last.Seq {
		v.fault(last.Seq+1, "%s missing at the end: entry %d was noted earlier",
			entries(last.Seq+1, v.noted.Seq), v.noted.Seq)
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
