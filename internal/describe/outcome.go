package describe

import (
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Outcome is what a change has done, as it reads behind a state or a request: "role removed
// and verified (2 reads)". An outcome that is not known is shown as it is.
func Outcome(o access.Outcome) string {
	if text, found := outcomes[o]; found {
		return text
	}
	return name(string(o))
}

var outcomes = map[access.Outcome]string{
	access.Applied:       "applied and verified",
	access.AlreadyHeld:   "no change: the console already showed the role",
	access.Released:      "role removed and verified (2 reads)",
	access.StillHeld:     "role kept: another grant or the baseline holds it",
	access.Superseded:    "no change: the scope was changed by hand meanwhile, and that stands",
	access.NotApplied:    "nothing to remove: the role was never applied",
	access.Removed:       "role removed and verified (2 reads)",
	access.AlreadyAbsent: "no change: the console did not show the role",
	access.Deleted:       "deleted and verified (2 reads)",
	access.Created:       "created and verified",
	access.Rotated:       "new API token made and verified, the old one is void",
	access.LastRoleStays: "no change: it is the principal's last role",
	access.PlanChanged:   "no change: the principal's access has changed since the approval",
	access.NoReturn:      "no change: no role would be left when a grant ends",
	access.NotBaseline:   "no change: the principal does not hold the role permanently",
	access.LevelDiffers:  "no change: the principal holds roles at another level",
	access.RolesConflict: "no change: separation of duties forbids it",
	access.Unauthorized:  "no change: the ledger does not show the approval that it needs",
}

// Expected is what a plan would do.
func Expected(o access.Outcome) string {
	switch o {
	case access.Applied:
		return "the role would be granted"
	case access.Removed:
		return "the role would be removed"
	case access.Created:
		return "the account would be created"
	case access.Deleted:
		return "the principal would be deleted"
	case access.Rotated:
		return "a new API token would be made, and the old one would be void"
	case access.AlreadyHeld:
		return "no change: the console already shows the role"
	case access.AlreadyAbsent:
		return "no change: the console does not show the role"
	default:
		return Outcome(o)
	}
}

// Outcomes are the outcomes of a change at each scope of a plan, one a line: "site Acme / Berlin
// (9): applied and verified". say puts an outcome into words: [Outcome] or [Expected]. They are
// nil for a plan with one scope.
func Outcomes(n Names, p access.Plan, all []access.ScopeOutcome, say func(access.Outcome) string) []string {
	var out []string
	for _, s := range all {
		out = append(out, n.Scope(access.Scope{Level: p.Scope.Level, ID: s.ScopeID})+": "+say(s.Outcome))
	}
	return out
}

// Differ says whether the outcomes at several scopes are not all the same.
func Differ(all []access.ScopeOutcome) bool {
	return slices.ContainsFunc(all, func(s access.ScopeOutcome) bool { return s.Outcome != all[0].Outcome })
}

// Result is how a request ended: "expired, role removed and verified (2 reads)".
func Result(state string, o access.Outcome) string {
	if o == "" {
		return name(state)
	}
	return name(state) + ", " + Outcome(o)
}

// State is the state of a running request with its end, else with its start; nil for those
// it does not have.
func State(state string, startsAt, endsAt *time.Time) string {
	switch {
	case endsAt != nil:
		return name(state) + " until " + Second(*endsAt)
	case startsAt != nil:
		return name(state) + ", starts " + Second(*startsAt)
	}
	return name(state)
}

// Operation is what a change does, in the imperative: "grant", "release".
func Operation(op access.Op) string {
	if op == access.OpAcquire {
		return string(access.OpGrant)
	}
	return name(string(op))
}

// Read is what one look at the console showed of the role that a plan is about. Without a
// plan it counts the roles.
func Read(n Names, r access.Read, about *access.Plan) string {
	count := Plural(r.Holdings.Len(), "role")
	if r.Gone {
		return "the console does not know the principal"
	}
	if about == nil {
		return count
	}
	present := 0
	for _, h := range about.Holdings() {
		if r.Holds(h) {
			present++
		}
	}
	switch all := len(about.Holdings()); {
	case present > 0 && all > 1:
		return fmt.Sprintf("%s present at %d of %d scopes, %s in total", n.Role(about.Role.ID), present, all, count)
	case present > 0:
		return n.Role(about.Role.ID) + " present, " + count + " in total"
	}
	return n.Role(about.Role.ID) + " absent, " + count + " in total"
}
