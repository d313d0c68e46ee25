package signing

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// Result is the result of one check.
type Result string

// The results.
const (
	OK        Result = "ok"
	Failed    Result = "failed"
	Unsigned  Result = "unsigned"  // no signature: the name is only claimed
	Unchecked Result = "unchecked" // signed, but without allowed signers to verify it with
)

// Check is one check of a receipt and its result.
type Check struct {
	// Name is what was checked, such as "receipt", "request", "approve, step 1" or "approval, step 1".
	Name   string `json:"check"`
	Result Result `json:"result"`
	Detail string `json:"detail"` // for people
}

// noSigners ends the detail of a signature that could not be verified for want of keys.
const noSigners = "since no file of allowed signers was given"

// NoSigners says that the check is of a signature that could not be verified without a file of
// allowed signers.
func (c Check) NoSigners() bool {
	return c.Result == Unchecked && strings.HasSuffix(c.Detail, noSigners)
}

// inspection is the verification of one receipt.
type inspection struct {
	access.Receipt

	allowed *AllowedSigners // nil: no signature is verified
	keys    Keys            // of allowed
	checks  []Check
	// decisionKeys has the key's fingerprint for each decision that may count, by the decision's
	// index; "" where the decision is unsigned.
	decisionKeys map[int]string
	// delegationKeys has the key's fingerprint for each signed delegation, by the decision's index.
	delegationKeys map[int]string
}

// Inspected is what the signatures of a receipt show.
type Inspected struct {
	Checks []Check
	// Decisions are those whose signatures hold, or need not. Signed in them and in their delegations
	// is the fingerprint of the key; it is [access.Unsigned] where the name is only claimed.
	Decisions []access.Decision
	// Extensions has those on each extension of the receipt, in its order.
	Extensions [][]access.Decision
	// RequesterKey is the fingerprint of the requester's key; "" if the name is only claimed.
	RequesterKey string
	MaySign      approval.MaySign // nil without allowed signers
}

// VerifyReceipt checks what a receipt proves about people: that it is unchanged since it was
// sealed, who requested, who decided, and that distinct people with distinct keys gave the
// approvals that the plan's policy requires. It needs no worker, database or network. If allowed
// is nil, it verifies no signature. The only error is a [FileError]: a file cannot be used.
func VerifyReceipt(r access.Receipt, allowed *AllowedSigners) ([]Check, error) {
	out, err := InspectReceipt(r, allowed)
	return out.Checks, err
}

// InspectReceipt is [VerifyReceipt], and returns what its signatures show too.
func InspectReceipt(r access.Receipt, allowed *AllowedSigners) (Inspected, error) {
	in := inspection{
		Receipt: r, allowed: allowed, decisionKeys: map[int]string{}, delegationKeys: map[int]string{},
	}
	if allowed != nil {
		keys, err := allowed.Keys()
		if err != nil {
			return Inspected{}, err
		}
		in.keys = keys
	}
	in.checkHashes()
	in.checkSignedClaim()
	if err := in.checkPeople(); err != nil {
		return Inspected{}, err
	}
	in.checkApproval()
	out := Inspected{Decisions: in.valid()}
	var err error
	if out.Extensions, err = in.checkExtensions(); err != nil {
		return Inspected{}, err
	}
	if err := in.checkStop(); err != nil {
		return Inspected{}, err
	}
	if r.RequestSignature != nil {
		out.RequesterKey = r.RequestSignature.Signed
	}
	if allowed != nil {
		out.MaySign = in.keys.MaySignFor
	}
	out.Checks = in.checks
	return out, nil
}

// checkPeople verifies the signatures of the requester and of all decisions.
func (in *inspection) checkPeople() error {
	if err := in.checkRequest(); err != nil {
		return err
	}
	return in.checkDecisions()
}

func (in *inspection) checkDecisions() error {
	for i, d := range in.Decisions {
		if err := in.checkDecision(i, d); err != nil {
			return err
		}
		if err := in.checkDelegation(i, d); err != nil {
			return err
		}
	}
	return nil
}

func (in *inspection) note(name string, result Result, format string, args ...any) {
	in.checks = append(in.checks, Check{Name: name, Result: result, Detail: fmt.Sprintf(format, args...)})
}

// checkHashes recomputes the hashes of receipt and plan.
func (in *inspection) checkHashes() {
	if in.Intact() {
		in.note("receipt", OK, "unchanged since it was sealed: %s", in.Hash)
	} else {
		in.note("receipt", Failed, "changed since it was sealed, or incomplete: its hash is not %q", in.Hash)
	}
	switch {
	case in.Plan.Hash == "" && len(in.Proofs)+len(in.Decisions) == 0:
		in.note("plan", OK, "it ended before it was planned")
	case in.Plan.Intact():
		in.note("plan", OK, "unchanged since people decided on it: %s", in.Plan.Hash)
	default:
		in.note("plan", Failed, "changed since people decided on it: its hash is not %q", in.Plan.Hash)
	}
}

// checkSignedClaim notes a receipt that claims other signatures than it has.
func (in *inspection) checkSignedClaim() {
	actual := in.HowSigned()
	if (in.Signed == access.AllSigned || in.Signed == access.PartlySigned) && in.Signed != actual {
		in.note("signatures", Failed, "the receipt claims to be %s, but is %s", in.Signed, actual)
	}
}

// attempted says whether the request changed something, or tried to. What a rule or the lack of
// authority forbade was not tried.
func (in *inspection) attempted() bool { return slices.ContainsFunc(in.Proofs, access.Proof.Attempted) }

// checkRequest verifies the requester's signature, and that it is over what was planned.
func (in *inspection) checkRequest() error {
	const name = "request"
	s := in.RequestSignature
	requester := in.Plan.Terms.Requester
	if s == nil {
		result := Unsigned
		if in.allowed != nil && in.attempted() {
			result = Failed
		}
		in.noteUnsigned(name, result, "by "+requester)
		return nil
	}
	if differs := s.Request.Differences(in.Plan); len(differs) > 0 {
		in.note(name, Failed, "the plan is not what %s signed: it differs in %s",
			requester, strings.Join(differs, ", "))
		return nil
	}
	v, result, err := in.verify(OfRequest(in.Request, *s), s.Signature, s.Signed, s.At)
	in.noteSignature(name, "by "+requester, v, result, err)
	return onlyFileError(err)
}

// checkDecision verifies the signature of a decision. i is its index.
func (in *inspection) checkDecision(i int, d access.Decision) error {
	name := d.Action
	if d.Action == KindApprove {
		name = fmt.Sprintf("%s, step %d", d.Action, d.Step+1)
	}
	who := "by " + d.Who()
	if d.Signed == access.Unsigned && (d.Signature == "" || in.allowed == nil) {
		if in.allowed != nil {
			in.noteUnsigned(name, Failed, who)
			return nil
		}
		in.decisionKeys[i] = ""
		in.noteUnsigned(name, Unsigned, who)
		return nil
	}
	st := OfDecision(in.Request, in.Run, cmp.Or(d.PlanHash, in.Plan.Hash), d)
	v, result, err := in.verify(st, d.Signature, d.Signed, d.At)
	if result != Failed {
		in.decisionKeys[i] = v.Fingerprint
	}
	in.noteSignature(name, who, v, result, err)
	return onlyFileError(err)
}

// verify verifies a signature as of the time at which it was recorded. The receipt must name the
// same key; recorded is the fingerprint in it.
func (in *inspection) verify(s Statement, signature, recorded string, at time.Time) (Verified, Result, error) {
	if in.allowed == nil && signature != "" {
		return Verified{Fingerprint: recorded}, Unchecked, nil
	}
	if in.allowed == nil {
		return Verified{}, Failed, errors.New("the receipt says that it is signed, but holds no signature")
	}
	v, err := in.allowed.Verify(s, signature, at)
	if err != nil {
		return v, Failed, err
	}
	// A worker without allowed signers records Unsigned, whatever signature it was sent.
	if v.Fingerprint != recorded && recorded != access.Unsigned {
		return v, Failed, fmt.Errorf("it is signed with key %s, but the receipt says %q", v.Fingerprint, recorded)
	}
	return v, OK, nil
}

// noteSignature notes what verify returned.
func (in *inspection) noteSignature(name, who string, v Verified, result Result, err error) {
	switch result {
	case OK:
		in.note(name, OK, "%s, signed with %s %s", who, v.KeyType, v.Fingerprint)
	case Unchecked:
		in.note(name, Unchecked, "%s: signed, but not verified, "+noSigners, who)
	case Failed, Unsigned:
		in.note(name, Failed, "%s: %v", who, err)
	}
}

func (in *inspection) noteUnsigned(name string, result Result, who string) {
	in.note(name, result, "%s: not signed, so the name is only claimed", who)
}

// onlyFileError returns err if it is a [FileError], else nil: other errors are results of checks.
func onlyFileError(err error) error {
	if broken, ok := errors.AsType[*FileError](err); ok {
		return broken
	}
	return nil
}
