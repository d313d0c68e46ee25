package authority

import (
	"fmt"
	"strings"
)

// Answer says what to do with a write.
type Answer string

// The answers.
const (
	// Covered allows the write.
	Covered Answer = "covered"
	// Unauthorized forbids it for good.
	Unauthorized Answer = "unauthorized"
	// AskAgain forbids it as approved: it would do more than that, or the policy asks for
	// more by now. A new plan can be approved.
	AskAgain Answer = "askAgain"
	// NotNow forbids it for the moment: giving is frozen.
	NotNow Answer = "notNow"
)

// Reason is why a write is not covered, for programs and metrics.
type Reason string

// The reasons.
const (
	NoRequest       Reason = "noRequest"       // the ledger holds no request of this run
	OtherChange     Reason = "otherChange"     // the request is about something else
	HasEnded        Reason = "hasEnded"        // the request has a receipt, or its access was released
	WasStopped      Reason = "wasStopped"      // the request was cancelled or ended
	NotSigned       Reason = "notSigned"       // a signature is required and missing, or does not count
	NotApproved     Reason = "notApproved"     // the decisions on record do not cover it
	PolicyMissing   Reason = "policyMissing"   // the policy of the first plan cannot be had
	PolicyForbids   Reason = "policyForbids"   // the policy, decided again, denies it or asks for more
	ExceedsApproval Reason = "exceedsApproval" // it would do more than what was approved
	NotDue          Reason = "notDue"          // access would end before its end, and nothing on record says so
	NotOnRecord     Reason = "notOnRecord"     // a role would be given that nobody requested
	IsFrozen        Reason = "isFrozen"        // giving is frozen
)

// Verdict is the answer, and why.
type Verdict struct {
	Answer Answer
	Reason Reason // "" if covered
	// Text is a sentence for people: what is wrong and what to do; "" if covered.
	Text string
}

// Covered says that the write may be sent.
func (v Verdict) Covered() bool { return v.Answer == Covered }

var covered = Verdict{Answer: Covered}

func forbid(reason Reason, format string, args ...any) Verdict {
	return Verdict{Answer: Unauthorized, Reason: reason, Text: fmt.Sprintf(format, args...)}
}

// Exceeds forbids what would do more than what was approved.
func Exceeds(more []string) Verdict {
	return forbid(ExceedsApproval,
		"it would do more than what was approved: %s: request again", strings.Join(more, "; "))
}

func askAgain(reason Reason, format string, args ...any) Verdict {
	return Verdict{Answer: AskAgain, Reason: reason, Text: fmt.Sprintf(format, args...)}
}
