package inbox

import (
	"context"
	"time"
)

// Desk is where requests are read and decided. Its calls may come side by side.
type Desk interface {
	// Waiting lists the requests that wait for the person. Beside an error it may list
	// those that are known all the same; nil then means that nothing is known.
	Waiting(ctx context.Context) ([]Item, error)
	// Show reads one request anew.
	Show(ctx context.Context, id string) (Sheet, error)
	// Decide takes the person's word on a plan and returns it in a sentence. It must refuse
	// if the plan is no longer the one that was shown.
	Decide(ctx context.Context, d Decision) (string, error)
}

// Item is a request that waits. All texts may be of strangers: they are cleaned before
// they reach the terminal.
type Item struct {
	ID        string // of its workflow
	What      string // is asked for, in words
	Requester string
	Reason    string
	// Given of Need approvals of the open step are there.
	Given, Need int
	Until       time.Time // it must be decided
	// Review says that it started at once and is looked at afterwards.
	Review bool
}

// short is what is asked for, marked where it started at once.
func (i Item) short() string {
	if i.Review {
		return "review: " + i.What
	}
	return i.What
}

// Sheet is everything that a person must know before deciding.
type Sheet struct {
	Item

	Plan string // its hash; a decision is about that
	// Closed says why it cannot be decided; "" while it can.
	Closed string
	// Shortens says that consent may be for a shorter time than Length; 0 is for good.
	Shortens bool
	Length   time.Duration
	// Before and After are what the principal holds, one role a line.
	Before, After []string
	Facts         []Fact // in this order
	Steps         []Step
	Decisions     []Said // oldest first
}

// Fact is one line of a sheet: what it is called, and what it is.
type Fact struct {
	Name, Text string
	Warns      bool // it is a consequence that must not be overlooked
}

// Step is one step of the policy.
type Step struct {
	Given, Need int
	Groups      []string
	People      []string // who may still decide it; empty for anyone
	Open        bool
}

// Said is one decision.
type Said struct {
	At         time.Time
	By, Action string
	OnBehalfOf string // who had delegated it, or ""
	Comment    string
	Narrowed   string // "for 2h", or ""
	Signed     string
}

// Actions of a decision.
const (
	Approve = "approve"
	Deny    = "deny"
)

// Decision is the person's word on one request.
type Decision struct {
	ID      string
	Plan    string // hash of the plan that was shown
	Action  string
	Comment string
	For     time.Duration // a shorter time; 0 for what was asked
}
