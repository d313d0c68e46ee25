package inbox

import (
	"context"
	"time"
)

// Backend reads and decides requests for one person. Its methods may be called
// concurrently.
type Backend interface {
	// Pending lists the requests that the person may decide now. It may return items
	// together with an error: the list is then incomplete. With an error and nil items
	// nothing is known.
	Pending(ctx context.Context) ([]Item, error)
	// Detail reads one request by its workflow id, without a cache.
	Detail(ctx context.Context, id string) (Detail, error)
	// Decide sends the person's decision and returns a sentence that confirms it. It must
	// return an error if the plan's hash is not d.Plan any more.
	Decide(ctx context.Context, d Decision) (string, error)
}

// Item is one pending request in the list. Its texts may come from anyone: the inbox
// removes control characters before it prints them.
type Item struct {
	ID        string // workflow id
	Summary   string // the requested change in words
	Requester string
	Reason    string
	// Given approvals of the Need that the open step requires.
	Given, Need int
	Until       time.Time // deadline of the decision; zero for none
	// Review marks a break-glass request: it was applied first and is reviewed afterwards.
	Review bool
}

// title is the summary, marked if this is a review.
func (i Item) title() string {
	if i.Review {
		return "review: " + i.Summary
	}
	return i.Summary
}

// Detail is everything that a person must know before deciding a request.
type Detail struct {
	Item

	Plan string // hash of the plan, which a decision refers to
	// Closed says why the request cannot be decided; "" while it can.
	Closed string
	// Shortens reports whether an approval may set a shorter time than Length; a Length of
	// 0 is permanent access.
	Shortens bool
	Length   time.Duration
	// Before and After are the principal's roles without and with the change, one each.
	Before, After []string
	Facts         []Fact // in the order of display
	Steps         []Step
	Decisions     []DecisionRecord // oldest first
}

// Fact is one labelled line of a detail.
type Fact struct {
	Name, Text string
	Warns      bool // a consequence that the person must not overlook
}

// Step is one step of the policy.
type Step struct {
	Given, Need int // approvals
	Groups      []string
	People      []string // who may still decide it; empty for anyone
	Open        bool     // decisions count toward this step now
}

// DecisionRecord is one decision that was made.
type DecisionRecord struct {
	At         time.Time
	By         string
	Action     string // Approve or Deny
	OnBehalfOf string // the delegator, or ""
	Comment    string
	Narrowed   string // the shorter time: "for 2h", or ""
	Signed     string // fingerprint of the key, or that it is unsigned
}

// Actions of a decision.
const (
	Approve = "approve"
	Deny    = "deny"
)

// Decision is the person's decision on one request.
type Decision struct {
	ID      string        // workflow id
	Plan    string        // hash of the plan that was shown
	Action  string        // Approve or Deny
	Comment string        // may be ""
	For     time.Duration // a shorter time; 0 for the requested one
}
