package approval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// What a decision says: [access.Decision.Action].
const (
	Approve = "approve"
	Deny    = "deny"
)

// Verdict is how an approval ends; "" while it is open.
type Verdict string

// The verdicts.
const (
	Approved Verdict = "approved"
	Denied   Verdict = "denied"
	TimedOut Verdict = "timedOut"
)

// Request is what must be known of a request to judge decisions on it.
type Request struct {
	Requester string `json:"requester"`
	// Recipient is the principal whose access changes. It decides nothing, by whichever of
	// its names somebody decides ([access.PrincipalRef.Is]): address, full name, id.
	Recipient access.PrincipalRef `json:"recipient,omitzero"`
	Op        access.Op           `json:"op"`
	Console   string              `json:"console"`
	Terms     access.Terms        `json:"terms"` // as requested
	// NewAccount says that the request makes a principal.
	NewAccount bool   `json:"newAccount,omitempty"`
	PlanHash   string `json:"planHash"` // of the plan that people decide on
	// Key is the fingerprint of the key that signed the request; "" or [access.Unsigned] if
	// nobody did.
	Key string `json:"key,omitempty"`
	// Asker asks for an extension of a grant, and does not decide on it; "" for other requests.
	// AskerKey is the fingerprint of the key that signed that; "" or [access.Unsigned] if nobody
	// did.
	Asker    string `json:"asker,omitempty"`
	AskerKey string `json:"askerKey,omitempty"`
}

// RequestOf takes what the machine needs from a plan. The key of the requester is the
// caller's to add.
func RequestOf(p access.Plan) Request {
	return Request{
		Requester: p.Terms.Requester, Recipient: p.Principal, Op: p.Op, Console: p.Console, Terms: p.Terms,
		NewAccount: p.Account != nil, PlanHash: p.Hash,
	}
}

// State is how far one approval of one plan is. It is a value: methods return a changed
// copy and share nothing that they change.
type State struct {
	Request Request `json:"request"`
	// Review says that the access is in force already (break-glass) and is reviewed.
	Review bool                  `json:"review,omitempty"`
	Steps  []access.ApprovalStep `json:"steps"`
	Step   int                   `json:"step"` // the open one, from 0; len(Steps) when all are complete
	// OpenedAt is when people were asked. Deadline is when it times out; zero if that is not
	// known, as from a record that does not say when people were asked.
	OpenedAt time.Time `json:"openedAt"`
	Deadline time.Time `json:"deadline,omitzero"`
	// Within is the time from OpenedAt to Deadline, unless the window that was requested is over before: see
	// [State.WithWindow].
	Within        access.Duration `json:"within,omitzero"`
	Windowed      bool            `json:"windowed,omitempty"`
	RemindEvery   access.Duration `json:"remindEvery,omitzero"`
	EscalateAfter access.Duration `json:"escalateAfter,omitzero"`
	EscalateTo    []string        `json:"escalateTo,omitempty"`
	// EscalatedAt is when the people of EscalateTo became eligible; zero before.
	EscalatedAt time.Time `json:"escalatedAt,omitzero"`
	// LastReminder is how long before the deadline people are reminded once more; 0 for not.
	LastReminder access.Duration `json:"lastReminder,omitzero"`
	// Decisions are those that count, in order.
	Decisions []access.Decision `json:"decisions"`
	Verdict   Verdict           `json:"verdict,omitempty"`
	// MaySign is set by who judges signatures: see [SharedKey].
	MaySign MaySign `json:"-"`
}

// New opens the approval that a policy asks for before a change.
func New(r Request, a access.Approval, openedAt time.Time) State {
	s := open(r, a.Steps, openedAt, a.DecideWithin)
	s.RemindEvery, s.EscalateAfter, s.EscalateTo = a.RemindEvery, a.EscalateAfter, slices.Clone(a.EscalateTo)
	if !a.Required && len(a.Steps) == 0 {
		s.Verdict = Approved
	}
	return s
}

// NewReview opens the review of access that is in force already. It is not escalated, and
// people are reminded once more before the deadline, which takes the access away.
func NewReview(r Request, a access.Approval, openedAt time.Time) State {
	if a.Review == nil {
		return New(r, a, openedAt)
	}
	s := open(r, []access.ApprovalStep{a.Review.ApprovalStep}, openedAt, a.Review.Within)
	s.Review, s.RemindEvery = true, a.RemindEvery
	s.LastReminder = min(a.Review.Within/8, access.Duration(longestWarning))
	return s
}

// WithWindow is the approval of a window, from a named start on for a time: the time to decide ends with it at the
// latest. An approver who lets it start later moves its end too.
func (s State) WithWindow() State {
	s.Windowed = true
	return s.closedWithWindow()
}

// closedWithWindow is the state with the deadline that the window leaves.
func (s State) closedWithWindow() State {
	if !s.Windowed {
		return s
	}
	s.Deadline = s.OpenedAt.Add(time.Duration(s.Within))
	if end := s.Terms().WindowEnd(); !s.Review && !end.IsZero() && end.Before(s.Deadline) {
		s.Deadline = end
	}
	return s
}

// longestWarning bounds how long before its deadline people are reminded of a review.
const longestWarning = 24 * time.Hour

// Of opens the approval of a plan, or its review if it starts at once.
func Of(p access.Plan, openedAt time.Time) State {
	return NewReview(RequestOf(p), p.Approval, openedAt)
}

func open(r Request, steps []access.ApprovalStep, at time.Time, within access.Duration) State {
	at = at.UTC()
	return State{
		Request: r, Steps: slices.Clone(steps), OpenedAt: at, Within: within,
		Deadline: at.Add(time.Duration(within)), Decisions: []access.Decision{},
	}
}

// Step is one step of an approval and how far it is.
type Step struct {
	Number int      `json:"number"` // from 0
	Of     int      `json:"of"`     // how many steps there are
	Need   int      `json:"need"`   // distinct people
	Given  int      `json:"given"`  // approvals so far
	Groups []string `json:"groups"`
	// Anyone says that everybody is eligible, but for the requester and the recipient.
	Anyone bool `json:"anyone,omitempty"`
	// People are those who are named, by [access.Fold], those it was escalated to included.
	People []string `json:"people"`
}

// StepAt is the step of that number, from 0.
func (s State) StepAt(number int) Step {
	step := s.Steps[number]
	return Step{
		Number: number, Of: len(s.Steps), Need: step.Need, Given: s.given(number), Groups: slices.Clone(step.Groups),
		Anyone: step.Anyone(), People: s.people(number),
	}
}

// OpenStep is the step that is pending; ok is false if none is.
func (s State) OpenStep() (step Step, ok bool) {
	if s.Verdict != "" || s.Step >= len(s.Steps) {
		return Step{}, false
	}
	return s.StepAt(s.Step), true
}

// given counts the approvals of a step.
func (s State) given(step int) int {
	n := 0
	for _, d := range s.Decisions {
		if d.Action == Approve && d.Step == step {
			n++
		}
	}
	return n
}

// Pending says what is pending, as in "for 1 of 2 from soc-leads until
// 2026-03-03T16:00:00Z"; "" if nothing is. It names groups and no people, since it is
// shown where nothing is encrypted.
func (s State) Pending() string {
	step, ok := s.OpenStep()
	if !ok {
		return ""
	}
	what := "for"
	if s.Review {
		what = "for review by"
	}
	text := fmt.Sprintf("%s %d of %d from %s", what, step.Need-step.Given, step.Need, strings.Join(step.Groups, ", "))
	if !s.Deadline.IsZero() {
		text += " until " + stamp(s.Deadline)
	}
	return text
}

// Terms are those requested, narrowed by everybody who has approved.
func (s State) Terms() access.Terms {
	t := s.Request.Terms
	for _, d := range s.Decisions {
		if d.Action == Approve {
			t = narrow(t, d)
		}
	}
	return t
}

// Approvers are those who have approved, in order, as in "dave@example.com for
// carol@example.com".
func (s State) Approvers() []string {
	var out []string
	for _, d := range s.Decisions {
		if d.Action == Approve {
			out = append(out, d.Who())
		}
	}
	return out
}

// LastDecision is the last that counts; ok is false if there is none.
func (s State) LastDecision() (d access.Decision, ok bool) {
	if n := len(s.Decisions); n > 0 {
		return s.Decisions[n-1], true
	}
	return access.Decision{}, false
}

// VerdictText says in a sentence how it ended, as in "denied by carol@example.com: not
// needed"; "" while it is open.
func (s State) VerdictText() string {
	last, _ := s.LastDecision()
	switch s.Verdict {
	case Approved:
		return cmp.Or(strings.TrimSuffix("approved by "+strings.Join(s.Approvers(), ", "), " by "), "approved")
	case Denied:
		text := "denied by " + last.Who()
		if last.Comment != "" {
			text += ": " + last.Comment
		}
		return text
	case TimedOut:
		if s.Windowed && s.Deadline.Equal(s.Terms().WindowEnd()) {
			return "not decided before the requested window was over at " + stamp(s.Deadline)
		}
		return "not decided in time: the deadline was " + stamp(s.Deadline)
	}
	return ""
}

// stamp writes a time as [describe.Second] does, which this package must not import.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
