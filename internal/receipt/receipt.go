package receipt

import (
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
)

// Means is what an auditor has besides the receipt. What is nil is not used; what only it could
// have checked is [signing.Unchecked] then.
type Means struct {
	Allowed *signing.AllowedSigners
	// LedgerKey is the public key that seals the ledger.
	LedgerKey *ledger.SealPublic
	// Entry is the ledger's entry of the receipt, and Ring holds the keys whose seals count in that
	// ledger, those before LedgerKey too. Both are nil for a receipt that is not from a database.
	Entry *ledger.Entry
	Ring  *ledger.Keyring
	// Policy is the one that the plan names by its hash.
	Policy *policy.Policy
}

// Verify returns the checks of a receipt. The only error is a [signing.FileError]: a file of keys
// cannot be used.
func Verify(r access.Receipt, with Means) ([]signing.Check, error) {
	signed, err := signing.InspectReceipt(r, with.Allowed)
	if err != nil {
		return nil, err
	}
	c := checker{Receipt: r, means: with, signed: signed, checks: signed.Checks}
	c.checkState()
	c.checkProofs()
	c.checkCoverage()
	c.checkEnd()
	c.checkExtensions()
	c.checkPolicy()
	c.checkSeal()
	c.checkEntry()
	return c.checks, nil
}

// checker is the verification of one receipt.
type checker struct {
	access.Receipt

	means  Means
	signed signing.Inspected
	checks []signing.Check
}

func (c *checker) note(name string, result signing.Result, format string, args ...any) {
	c.checks = append(c.checks, signing.Check{Name: name, Result: result, Detail: fmt.Sprintf(format, args...)})
}

func (c *checker) ok(name, format string, args ...any) { c.note(name, signing.OK, format, args...) }
func (c *checker) fail(name, format string, args ...any) {
	c.note(name, signing.Failed, format, args...)
}

// unsure notes what the receipt and the means at hand cannot show. The text says how to check it.
func (c *checker) unsure(name, format string, args ...any) {
	c.note(name, signing.Unchecked, format, args...)
}

// Clocks differ. Decisions have the time of Temporal's, writes and reads that of the worker's.
const (
	clockSlack = 5 * time.Minute
	// early is how long before its time a change may come by the worker's clock.
	early = time.Minute
	// late is how long after its end access may go on without being mentioned.
	late = 15 * time.Minute
)

func gives(op access.Op) bool { return op == access.OpGrant || op == access.OpAcquire }

// given is the position of the last proof that the role was given, or found; -1 for none.
func (c *checker) given() int {
	for i, p := range slices.Backward(c.Proofs) {
		if gives(p.Op) && p.Granted() {
			return i
		}
	}
	return -1
}

// gave is the proof by which access began; nil for none.
func (c *checker) gave() *access.Proof {
	for i, p := range c.Proofs {
		if gives(p.Op) && p.Granted() {
			return &c.Proofs[i]
		}
	}
	return nil
}

// proof is the last proof of an operation; nil for none.
func (c *checker) proof(op access.Op) *access.Proof {
	for i, p := range slices.Backward(c.Proofs) {
		if p.Op == op {
			return &c.Proofs[i]
		}
	}
	return nil
}

// replayed is how far the decisions with valid signatures bring the approval of the plan.
func (c *checker) replayed(openedAt time.Time) approval.State {
	s := approval.Of(c.Plan, openedAt)
	if !s.Review {
		s.Deadline = time.Time{}
	}
	s.MaySign, s.Request.Key = c.signed.MaySign, c.signed.RequesterKey
	return approval.Replay(s, c.signed.Decisions).State
}

// terms are those requested, as approvers have narrowed them.
func (c *checker) terms() access.Terms { return c.replayed(c.StartedAt).Terms() }

// effective says that a write may have changed the console.
func effective(w access.Write) bool {
	return w.Status < 400 || w.Status >= 500 || w.Status == 408
}

// began is when a change first reached the console: its first write that was not refused, else its
// first read; zero if there is neither.
func began(p access.Proof) time.Time {
	for _, w := range p.Writes {
		if effective(w) {
			return w.At
		}
	}
	if len(p.Reads) > 0 {
		return p.Reads[0].At
	}
	return time.Time{}
}

// start is when the access began; zero if none was given.
func (c *checker) start() time.Time {
	if p := c.gave(); p != nil {
		return began(*p)
	}
	return time.Time{}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
