package workflows

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var kindNames = []struct {
	kind kind
	name string
}{
	{grantKind, "grant"},
	{revokeKind, "revoke"},
	{provisionKind, "provision"},
	{offboardKind, "offboard"},
	{rotateKind, "rotate"},
}

// reachable lists the states that a kind of request may be in.
func reachable(k kind) []state {
	found := []state{planning}
	for i := 0; i < len(found); i++ {
		for _, r := range table {
			if r.kinds&k == 0 || !slices.Contains(r.in, found[i]) {
				continue
			}
			if to := r.target(found[i]); !slices.Contains(found, to) {
				found = append(found, to)
			}
		}
	}
	return found
}

// produced lists the events that the work of a state may end with; those of updates that
// end a request and of a cancellation in Temporal come on top, where they are waited for.
func produced(k kind, s state) []event {
	switch s {
	case planning:
		return append(ready(k), onApprovalNeeded, onDryRun, onRefused, onFailed, onCancelled)
	case awaitingApproval:
		out := append(ready(k), onDenied, onTimedOut, onCancelled)
		if k == provisionKind || k == rotateKind {
			out = append(out, onRefused)
		}
		return out
	case scheduled:
		return []event{onReady, onCancelled}
	case applying:
		return append([]event{onApplied, onRefused}, map[kind][]event{
			grantKind:     {onInForce, onPlanChanged, onCancelled},
			provisionKind: {onNothingMade, onCancelled},
		}[k]...)
	case active:
		return []event{onEndReached, onReviewFailed, onReviewPassed, onCancelled}
	case makingPermanent:
		return []event{onApplied, onNotPermanent}
	case releasingExpired, releasingEnded, releasingCancelled:
		if k == provisionKind {
			return []event{onApplied, onNothingMade, onRefused}
		}
		return []event{onReleased, onReviewPending}
	default:
		return []event{onReviewOver}
	}
}

func ready(k kind) []event {
	if k == grantKind {
		return []event{onReady, onStartAhead}
	}
	return []event{onReady}
}

// Whatever the work of a state ends with has a row, and no row waits for an event that
// never happens.
func TestTable_HandlesWhatHappens(t *testing.T) {
	t.Parallel()
	for _, k := range kindNames {
		for _, s := range reachable(k.kind) {
			if s.final() {
				continue
			}
			possible := produced(k.kind, s)
			for _, e := range possible {
				require.True(t, accepts(k.kind, s, e), "%s, %s: no row for %q", k.name, s, e)
			}
			for _, r := range table {
				if r.kinds&k.kind != 0 && slices.Contains(r.in, s) && !slices.Contains(updates, r.on) {
					require.Contains(t, possible, r.on, "%s, %s", k.name, s)
				}
			}
		}
	}
}

// No state is a dead end: it is left without anybody sending an update.
func TestTable_EveryStateHasAnExit(t *testing.T) {
	t.Parallel()
	for _, k := range kindNames {
		for _, s := range reachable(k.kind) {
			exit := slices.ContainsFunc(table, func(r row) bool {
				return r.kinds&k.kind != 0 && slices.Contains(r.in, s) && !slices.Contains(updates, r.on) &&
					r.target(s) != s
			})
			require.Equal(t, !s.final(), exit, "%s, %s", k.name, s)
		}
	}
}

// One event in one state means one thing.
func TestTable_IsUnambiguous(t *testing.T) {
	t.Parallel()
	for _, k := range kindNames {
		for _, s := range reachable(k.kind) {
			seen := map[event]bool{}
			for _, r := range table {
				if r.kinds&k.kind == 0 || !slices.Contains(r.in, s) {
					continue
				}
				require.False(t, seen[r.on], "%s, %s: two rows for %q", k.name, s, r.on)
				seen[r.on] = true
			}
		}
	}
}

// Each kind of request reaches the ends that the contract names, and no others.
func TestTable_Ends(t *testing.T) {
	t.Parallel()
	every := []state{endPlanned, endRefused, endFailed, endDenied, endTimedOut, endCancelled}
	for k, own := range map[kind][]state{
		grantKind:     {endGranted, endExpired, endEnded},
		revokeKind:    {endRevoked},
		provisionKind: {endProvisioned},
		offboardKind:  {endOffboarded},
		rotateKind:    {endRotated},
	} {
		ends := slices.DeleteFunc(reachable(k), func(s state) bool { return !s.final() })
		require.ElementsMatch(t, append(own, every...), ends)
	}
}

// An update is accepted in the states that the table says, and the refusal names them.
func TestTable_DecidesWhichUpdatesAreAccepted(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	for _, k := range kindNames {
		for _, s := range reachable(k.kind) {
			for _, u := range []event{onCancel, onExtend, onEnd} {
				m := &machine{request: &request{}, kind: k.kind, at: s}
				err := m.mayUpdate(u, "ana@example.com", now)
				if accepts(k.kind, s, u) {
					require.NoError(t, err, "%s, %s, %s", k.name, s, u)
					continue
				}
				require.ErrorContains(t, err, fmt.Sprintf("cannot %s: the state is %s; %s is accepted in %s",
					u, s.onWire(), u, strings.Join(acceptedIn(k.kind, u), ", ")))
			}
		}
	}
}

// markdown is the table for people.
func markdown() string {
	var b strings.Builder
	b.WriteString("| state | event | requests | next state | effects |\n|---|---|---|---|---|\n")
	for _, r := range table {
		var states, kinds, effects []string
		for _, s := range r.in {
			states = append(states, string(s))
		}
		for _, k := range kindNames {
			if r.kinds&k.kind != 0 {
				kinds = append(kinds, k.name)
			}
		}
		for _, e := range r.effects {
			effects = append(effects, string(e))
		}
		if r.kinds == anyKind {
			kinds = []string{"all"}
		}
		on := string(r.on)
		if slices.Contains(updates, r.on) {
			on = "update `" + on + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", strings.Join(states, ", "), on,
			strings.Join(kinds, ", "), r.to, strings.Join(effects, ", "))
	}
	return b.String()
}

// The table in the documentation is the one that runs.
func TestTable_IsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/architecture.md")
	require.NoError(t, err)
	if !strings.Contains(string(page), markdown()) {
		require.Fail(t, "docs/architecture.md has another table", "replace it by:\n\n%s", markdown())
	}
}
