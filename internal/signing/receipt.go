package signing

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Result is what came of one check.
type Result string

// The results.
const (
	OK        Result = "ok"
	Failed    Result = "failed"
	Unsigned  Result = "unsigned"  // the name is as claimed
	Unchecked Result = "unchecked" // there is a signature, but nothing to check it with
)

// Check is one thing that was looked at in a receipt.
type Check struct {
	Name   string `json:"check"`
	Result Result `json:"result"`
	Detail string `json:"detail"`
}

// inspection is one receipt under examination.
type inspection struct {
	access.Receipt

	allowed *AllowedSigners // nil: names are as claimed
	checks  []Check
	// signed has the fingerprint of each decision that may count; "" where it is unsigned.
	signed map[int]string
	// delegated has the fingerprint behind the delegation of a decision, where it is signed.
	delegated map[int]string
}

// VerifyReceipt looks at what a receipt shows without anybody's help: that it is as it
// was sealed, who asked, who decided, and that the plan's policy was met by distinct
// people. Without allowed signers no signature is checked. A [FileError] means that
// it cannot be told.
func VerifyReceipt(r access.Receipt, allowed *AllowedSigners) ([]Check, error) {
	in := inspection{Receipt: r, allowed: allowed, signed: map[int]string{}, delegated: map[int]string{}}
	in.hashes()
	in.claim()
	if err := in.request(); err != nil {
		return nil, err
	}
	for i, d := range r.Decisions {
		if err := in.decision(i, d); err != nil {
			return nil, err
		}
		if err := in.delegation(i, d); err != nil {
			return nil, err
		}
	}
	in.consent()
	return in.checks, nil
}

func (in *inspection) note(name string, result Result, format string, args ...any) {
	in.checks = append(in.checks, Check{Name: name, Result: result, Detail: fmt.Sprintf(format, args...)})
}

func (in *inspection) hashes() {
	if in.Intact() {
		in.note("receipt", OK, "as it was sealed: %s", in.Hash)
	} else {
		in.note("receipt", Failed, "changed since it was sealed, or not whole: its hash is not %q", in.Hash)
	}
	if in.Plan.Hash == in.Plan.Seal().Hash {
		in.note("plan", OK, "as it was put to people: %s", in.Plan.Hash)
	} else {
		in.note("plan", Failed, "not what was put to people: its hash is not %q", in.Plan.Hash)
	}
}

// claim says if the receipt claims more signatures than it has.
func (in *inspection) claim() {
	is := in.HowSigned()
	if (in.Signed == access.AllSigned || in.Signed == access.PartlySigned) && in.Signed != is {
		in.note("signatures", Failed, "it says that it is %s, but it is %s", in.Signed, is)
	}
}

// changed says that something was done, or tried.
func (in *inspection) changed() bool { return len(in.Proofs) > 0 }

func (in *inspection) request() error {
	const name = "request"
	s := in.RequestSignature
	who := in.Plan.Terms.Requester
	if s == nil {
		result := Unsigned
		if in.allowed != nil && in.changed() {
			result = Failed
		}
		in.note(name, result, "by %s, as claimed: it is not signed", who)
		return nil
	}
	if differs := s.Request.Differences(in.Plan); len(differs) > 0 {
		in.note(name, Failed, "what %s signed is not what was planned: %s", who, strings.Join(differs, ", "))
		return nil
	}
	v, result, err := in.verify(OfRequest(in.Request, *s), s.Signature, s.Signed, s.At)
	in.tell(name, "by "+who, v, result, err)
	return unusable(err)
}

func (in *inspection) decision(i int, d access.Decision) error {
	name := d.Action
	if d.Action == KindApprove {
		name = fmt.Sprintf("%s, step %d", d.Action, d.Step+1)
	}
	who := "by " + d.Who()
	if d.Signed == access.Unsigned && (d.Signature == "" || in.allowed == nil) {
		if in.allowed != nil {
			in.note(name, Failed, "%s, as claimed: it is not signed", who)
			return nil
		}
		in.signed[i] = ""
		in.note(name, Unsigned, "%s, as claimed: it is not signed", who)
		return nil
	}
	st := OfDecision(in.Request, in.Run, cmp.Or(d.PlanHash, in.Plan.Hash), d)
	v, result, err := in.verify(st, d.Signature, d.Signed, d.At)
	if result != Failed {
		in.signed[i] = v.Fingerprint
	}
	in.tell(name, who, v, result, err)
	return unusable(err)
}

// verify checks a signature, at the time it was taken, and that the receipt names its key.
func (in *inspection) verify(s Statement, signature, claimed string, at time.Time) (Verified, Result, error) {
	if in.allowed == nil && signature != "" {
		return Verified{Fingerprint: claimed}, Unchecked, nil
	}
	if in.allowed == nil {
		return Verified{}, Failed, errors.New("the receipt calls it signed, but there is no signature")
	}
	v, err := in.allowed.Verify(s, signature, at)
	if err != nil {
		return v, Failed, err
	}
	if v.Fingerprint != claimed && claimed != access.Unsigned { // of a worker that asks for none
		return v, Failed, fmt.Errorf("it is signed by key %s, but the receipt says %q", v.Fingerprint, claimed)
	}
	return v, OK, nil
}

func (in *inspection) tell(name, who string, v Verified, result Result, err error) {
	switch result {
	case OK:
		in.note(name, OK, "%s, signed with %s %s", who, v.KeyType, v.Fingerprint)
	case Unchecked:
		in.note(name, Unchecked, "%s: there is a signature, but no file of allowed signers to check it with", who)
	case Failed, Unsigned:
		in.note(name, Failed, "%s: %v", who, err)
	}
}

// unusable passes on only that it cannot be told.
func unusable(err error) error {
	if broken, ok := errors.AsType[*FileError](err); ok {
		return broken
	}
	return nil
}
