package approval

import (
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// Reason is why somebody is not eligible, a decision does not count, or a change is not
// covered.
type Reason string

// The reasons.
const (
	NameMissing    Reason = "nameMissing"
	UnknownAction  Reason = "unknownAction"
	DecidedAlready Reason = "decidedAlready" // the approval has a verdict
	NothingPending Reason = "nothingPending" // there is no open step
	OtherPlan      Reason = "otherPlan"
	OtherRound     Reason = "otherRound" // people were asked about the same plan again since then
	OtherStep      Reason = "otherStep"
	TooLate        Reason = "tooLate"
	IsRequester    Reason = "isRequester"
	IsRecipient    Reason = "isRecipient"
	DecidedBefore  Reason = "hasDecided"
	ExceedsRequest Reason = "exceedsRequest"
	NotEligible    Reason = "notEligible"
	NotEscalated   Reason = "notEscalated" // not before the escalation
	BadDelegation  Reason = "badDelegation"
	SameKey        Reason = "sameKey"

	PlanRefused Reason = "planRefused"
	NoSteps     Reason = "noSteps" // approval is required, and the plan does not say whose
	WasDenied   Reason = "denied"
	NotApproved Reason = "notApproved"
	NotReviewed Reason = "notReviewed" // break-glass, past the deadline of its review
	BeforeStart Reason = "beforeStart"
	BeyondEnd   Reason = "beyondEnd"
	OtherChange Reason = "otherChange"
	TooOld      Reason = "tooOld" // not applied while the approval stood
)

// Refusal is a reason with its sentence for people. All such sentences are in this file.
// The nil pointer stands for no objection.
type Refusal struct {
	Reason Reason `json:"reason"`
	Text   string `json:"text"`
}

// Sentence is the text, or "" for no objection.
func (r *Refusal) Sentence() string {
	if r == nil {
		return ""
	}
	return r.Text
}

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Text: fmt.Sprintf(format, args...)}
}

func nameMissing() *Refusal {
	return refuse(NameMissing, `"by" is missing: say who decides, as in {"by":"carol@example.com"}`)
}

func unknownAction(action string) *Refusal {
	return refuse(UnknownAction, "unknown decision %q: approve or deny", action)
}

func (s State) decidedAlready() *Refusal {
	if last, ok := s.LastDecision(); ok {
		return refuse(DecidedAlready, "it is decided already: %s, last by %s at %s",
			s.Verdict, last.Who(), stamp(last.At))
	}
	if s.Verdict == TimedOut {
		return refuse(DecidedAlready, "it is decided already: %s at %s", s.Verdict, stamp(s.Deadline))
	}
	return refuse(DecidedAlready, "it is decided already: %s", s.Verdict)
}

func nothingPending() *Refusal { return refuse(NothingPending, "there is nothing to decide") }

// NothingToDecide is for a request that is in a state in which nobody decides; waits says
// what it waits for, if anything.
func NothingToDecide(state, waits string) *Refusal {
	if waits != "" {
		state += ", " + waits
	}
	return refuse(NothingPending, "there is nothing to decide: the state is %s", state)
}

// NotPlanned is for a request whose plan is not made yet.
func NotPlanned(state, waits string) *Refusal {
	r := NothingToDecide(state, waits)
	r.Text = strings.Replace(r.Text, "there is nothing to decide", "the plan is not made yet", 1)
	return r
}

func otherPlan() *Refusal {
	return refuse(OtherPlan, "the plan has changed since it was shown: look at it again, and decide on that")
}

func otherRound(d access.Decision) *Refusal {
	return refuse(OtherRound, "%s decided in an earlier round: people were asked at %s, and again later",
		d.Who(), stamp(d.AskedAt))
}

func (s State) otherStep(d access.Decision) *Refusal {
	return refuse(OtherStep, "%s decided on step %d, but step %d was open", d.Who(), d.Step+1, s.Step+1)
}

func (s State) tooLate() *Refusal {
	return refuse(TooLate, "it is too late to decide: the deadline was %s", stamp(s.Deadline))
}

func isRequester(person string) *Refusal {
	return refuse(IsRequester, "%s is the requester: requesters do not decide on their own requests", person)
}

func isRecipient(person string) *Refusal {
	return refuse(IsRecipient, "%s is the recipient: people do not decide on their own access", person)
}

func isAsker(person string) *Refusal {
	return refuse(IsRequester, "%s asks for the extension: people do not decide on what they ask for", person)
}

// hasDecided says what a person has decided, or who did in their place.
func hasDecided(person string, d access.Decision) *Refusal {
	if access.Fold(person) == access.Fold(d.By) {
		return refuse(DecidedBefore, "%s has decided already: %s at %s", person, d.Action, stamp(d.At))
	}
	return refuse(DecidedBefore, "%s has decided already for %s: %s at %s", d.By, person, d.Action, stamp(d.At))
}

func (s State) notEligible(person string) *Refusal {
	return refuse(NotEligible, "%s is not eligible to decide: it is pending %s", person, s.Pending())
}

func notEscalated(person string) *Refusal {
	return refuse(NotEscalated, "%s is not eligible before the request is escalated", person)
}

func badDelegation(d access.Decision, format string, args ...any) *Refusal {
	return refuse(BadDelegation, "%s cannot decide for %s: %s", d.By, d.OnBehalfOf, fmt.Sprintf(format, args...))
}

// sameKey is about a key that has signed for both, or that may also sign for the person also.
func sameKey(d access.Decision, key, also, other, did string) *Refusal {
	if also == "" {
		return refuse(SameKey, "%s signs with key %s, with which %s has %s: one key is one person",
			d.Who(), key, other, did)
	}
	return refuse(SameKey, "%s cannot count besides %s, who %s: key %s may also sign for %s, and one key is one person",
		d.Who(), other, did, key, also)
}

func planRefused(why string) *Refusal { return refuse(PlanRefused, "the plan is refused: %s", why) }

func noSteps() *Refusal {
	return refuse(NoSteps, "the policy requires an approval, but the plan does not say whose")
}

func wasDenied(d access.Decision) *Refusal {
	return refuse(WasDenied, "it was denied by %s at %s", d.Who(), stamp(d.At))
}

// notApproved says what is missing, and which decisions do not count for it.
func notApproved(r Replayed) *Refusal {
	step, _ := r.State.OpenStep()
	text := fmt.Sprintf("it is not approved: step %d of %d has %d of %d from %s",
		step.Number+1, step.Of, step.Given, step.Need, strings.Join(step.Groups, ", "))
	if not := r.NotCountedText(); not != "" {
		text += "; not counted: " + not
	}
	return refuse(NotApproved, "%s", text)
}

func approvalTooOld(last access.Decision, validFor access.Duration) *Refusal {
	return refuse(TooOld, "approved at %s, and the policy lets an approval stand for %s until it is applied: "+
		"request it again", stamp(last.At), validFor)
}

func notReviewed(s State) *Refusal {
	return refuse(NotReviewed, "it is break-glass access, which was not reviewed before %s", stamp(s.Deadline))
}

func beforeStart(t access.Terms) *Refusal {
	return refuse(BeforeStart, "it is approved from %s on, not earlier", stamp(t.StartAt))
}

func notPermanent(t access.Terms) *Refusal {
	return refuse(BeyondEnd, "it is approved for %s, not permanently", t.Duration)
}
