package provision

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
)

// failf makes a failure with a code at which the SDK does not try again by itself.
func failf(format string, args ...any) error {
	return explain.Newf(codes.FailedPrecondition, format, args...)
}

func pending(a Answer) error {
	id := a.Run.WorkflowID
	s := a.Status
	switch {
	case s == nil && a.Trouble != "":
		return failf("%s is requested, and its state is unknown: %s; "+
			"see `starter show %[1]s`, then %[3]s", id, a.Trouble, pressRetry)
	case s == nil:
		return failf("%s is requested, and no worker has answered yet: "+
			"see `starter show %[1]s`, then %[2]s", id, pressRetry)
	case s.State == wire.StateAwaitingApproval:
		return failf("request %s waits %s; decide with `starter approve %[1]s` or "+
			"`starter deny %[1]s`, then %[3]s", id, s.Waiting, pressRetry)
	case s.State == wire.StateScheduled && s.StartsAt != nil:
		return failf("%s gives the role at %s, as an approver has chosen: after that, %s",
			id, describe.Second(*s.StartsAt), pressRetry)
	case isFrozen(*s):
		return failf("%s is not applied: %s; then %s", id, s.Waiting, pressRetry)
	case s.Waiting != "":
		return failf("%s is not done yet (%s: %s) and goes on by itself: "+
			"see `starter show %[1]s`, and %[4]s in a few minutes", id, s.State, s.Waiting, pressRetry)
	}
	return failf("%s is not done yet (%s) and goes on by itself: "+
		"see `starter show %[1]s`, and %[3]s in a few minutes", id, s.State, pressRetry)
}

func failed(a Answer) error {
	return failf("%s could not be planned: %w; %s", a.Run.WorkflowID, a.Failure, afterFailure(a.Failure))
}

// otherRequest is the error of an id that another request has, which somebody has started in Temporal by hand.
func otherRequest(a Answer) error {
	return failf("%s is the id of a request for something else, which the connector did "+
		"not start: see `starter show %[1]s`, and find out who did", a.Run.WorkflowID)
}

func refusal(a Answer) error {
	text := refusalText(a)
	if isSetup(a) {
		return failf("%s; then %s", text, pressRetry)
	}
	return explain.Declinedf("%s", text)
}

// refusalText is "grant/c1-…: denied by carol@example.com: no", with the rule of the policy that decided.
func refusalText(a Answer) string {
	r := a.Result
	text := a.Run.WorkflowID + ": " + inConductorOne(r.Message)
	if r.State != wire.StateDenied { // whose message begins with it
		text = fmt.Sprintf("%s is %s: %s", a.Run.WorkflowID, r.State, inConductorOne(r.Message))
	}
	if r.State == wire.StateRefused {
		text += ruleOf(r)
	}
	return text
}

// inConductorOne replaces what people of ConductorOne cannot do by what they can.
func inConductorOne(message string) string {
	const flag, rule = " again with allowLevelChange", "have a rule of the policy say levelChange: allow"
	return strings.NewReplacer("request it"+flag, rule, "request"+flag, rule).Replace(message)
}

// ruleOf names the rule of the policy that decided, unless the message does.
func ruleOf(r *wire.RequestResult) string {
	if r.Receipt == nil {
		return ""
	}
	plan := r.Receipt.Plan
	name := plan.Approval.Rule
	lastRole := slices.Contains([]access.Outcome{r.Outcome, plan.Expected}, access.LastRoleStays)
	switch {
	case name != "" && lastRole:
		return fmt.Sprintf(" (rule %q of the policy: lastRole stop)", name)
	case lastRole:
		return " (lastRole stop, since no rule of the policy says otherwise)"
	case name != "" && !strings.Contains(r.Message, fmt.Sprintf("rule %q", name)):
		return fmt.Sprintf(" (rule %q of the policy)", name)
	}
	return ""
}

// isSetup reports whether a request was refused for how the worker or the connector is set up: a worker that may not
// write, or a signature that is missing or does not count, for which the worker looks up nothing.
func isSetup(a Answer) bool {
	r := a.Result
	if r.State != wire.StateRefused {
		return false
	}
	unresolved := r.Receipt != nil && r.Receipt.Plan.Refusal != "" && r.Receipt.Plan.Approval.Hash == ""
	return unresolved || strings.Contains(r.Message, "SENTINELONE_READ_ONLY")
}
