package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/wire"
)

// randomGrant is one random run of a grant among everything that may happen to it: decisions that
// narrow it or are about an older plan, delegations, escalation, a principal that changes,
// a cancellation, and activities that take their time.
type randomGrant struct {
	*approvalModel

	in         wire.GrantInput
	lock       sync.Mutex
	ledger     []access.Decision    // that count
	askedAt    map[string]time.Time // when people were asked about the plan of that hash
	hashes     []string
	cancelled  bool // it is cancelled by an update or in Temporal
	extensions []access.ExtensionRequest
	extended   int
}

func newRandomGrant(t *testing.T, seed uint64) *randomGrant {
	t.Helper()
	w := &randomGrant{approvalModel: newUnmockedModel(t, seed), askedAt: map[string]time.Time{}}
	w.in = wire.GrantInput{
		Principal: access.PrincipalSelector{Kind: access.User, ID: "7"}, Role: access.RoleSelector{ID: "2"},
		Scope: access.ScopeSelector{Level: access.Tenant}, Requester: " " + strings.ToUpper(person(0)),
	}
	if w.rand.IntN(2) == 0 {
		w.in.Duration = new(access.Duration(time.Duration(2+w.rand.IntN(6)) * time.Hour))
	}
	if w.rand.IntN(3) == 0 {
		w.in.StartAt = new(began.Add(time.Duration(w.rand.IntN(150)) * time.Minute))
	}
	w.plan.Principal.Email = person(1) // who may be asked, as the requester may
	w.mockActivities()
	return w
}

func (w *randomGrant) minutes(most int) func() time.Duration {
	return func() time.Duration {
		w.lock.Lock()
		defer w.lock.Unlock()
		return time.Duration(w.rand.IntN(most+1)) * time.Minute
	}
}

func (w *randomGrant) mockActivities() {
	on := func(name string, do any, most int) {
		w.OnActivity(name, mock.Anything, mock.Anything).Return(do).AfterFn(w.minutes(most)).Maybe()
	}
	on(wire.PlanActivity, func(_ context.Context, in wire.PlanInput) (wire.PlanResult, error) {
		w.lock.Lock()
		defer w.lock.Unlock()
		w.plan.Terms = in.Terms
		return wire.PlanResult{Plan: w.sealPlan()}, nil
	}, 3)
	on(wire.DecideActivity, w.decide, 6)
	on(wire.ExtendActivity, w.extend, 4)
	on(wire.StopActivity, func(context.Context, wire.StopActivityInput) (wire.StopResult, error) {
		return wire.StopResult{Signed: access.Unsigned}, nil
	}, 6)
	on(wire.ApplyActivity, w.applies, 4)
	on(wire.CloseActivity, func(_ context.Context, in wire.CloseInput) (wire.CloseResult, error) {
		return wire.CloseResult{Receipt: access.Receipt{State: in.State}}, nil
	}, 1)
}

// sealPlan is the plan as people are asked about it now.
func (w *randomGrant) sealPlan() access.Plan {
	w.plan = w.plan.Seal()
	w.asked, w.askedAt[w.plan.Hash] = w.Now(), w.Now()
	w.hashes = append(w.hashes, w.plan.Hash)
	return w.plan
}

func (w *randomGrant) decide(_ context.Context, in wire.DecideInput) (wire.DecideResult, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	out := w.answerDecide(in)
	if out.Refusal == "" {
		d := in.Decision
		d.OnBehalfOf = out.OnBehalfOf
		w.ledger = append(w.ledger, d)
	}
	return out, nil
}

func (w *randomGrant) denied() bool {
	return slices.ContainsFunc(w.ledger, func(d access.Decision) bool {
		return d.Action == wire.DenyUpdate && slices.Contains(w.hashes, d.PlanHash)
	})
}

// applies checks that whatever reaches the console has the approval it needs, to the plan
// as it is and to no more than that.
func (w *randomGrant) applies(_ context.Context, in wire.ApplyInput) (wire.ApplyResult, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	out := wire.ApplyResult{ChangeAnswer: wire.ChangeAnswer{Proof: access.Proof{Outcome: access.Released}}}
	if in.Extension != nil {
		w.checkExtension(*in.Extension)
		return wire.ApplyResult{}, nil
	}
	if in.Change.Change.Op != access.OpRelease {
		out.Proof.Outcome = access.Applied
		w.checkApply(in)
		if w.changes > 0 && w.plan.Approval.Required {
			w.changes--
			held := []access.HeldRole{{RoleID: fmt.Sprint(w.changes)}}
			w.plan.Before = access.Holdings{Level: access.Tenant, Held: held}
			out.Proof.Outcome = access.PlanChanged
			return out, nil
		}
		w.applied++
	}
	if in.Close != nil {
		out.Receipt = &access.Receipt{State: in.Close.State, Outcome: out.Proof.Outcome}
	}
	return out, nil
}

func (w *randomGrant) checkApply(in wire.ApplyInput) {
	require.False(w.t, w.denied(), "applied after a denial: %+v", w.ledger)
	require.Empty(w.t, w.plan.Refusal)
	var long access.Duration
	var start time.Time
	if w.in.Duration != nil {
		long = *w.in.Duration
	}
	if w.in.StartAt != nil {
		start = *w.in.StartAt
	}
	w.counted = nil
	for _, d := range w.ledger {
		if d.PlanHash != w.plan.Hash {
			continue
		}
		w.counted = append(w.counted, d)
		require.NotContains(w.t, approval.People(d), person(1), "by the recipient: %+v", d)
		if d.Duration > 0 {
			require.True(w.t, long == 0 || d.Duration <= long, "widened: %+v", w.ledger)
			long = d.Duration
		}
		if !d.StartAt.IsZero() {
			require.False(w.t, d.StartAt.Before(start), "widened: %+v", w.ledger)
			start = d.StartAt
		}
	}
	if w.plan.Approval.Required {
		require.True(w.t, w.isApproved(), "applied without approval: %+v of %+v", w.counted, w.plan.Approval.Steps)
	} else {
		require.Empty(w.t, w.counted)
	}
	require.False(w.t, w.Now().Before(start), "applied before its start")
	require.Equal(w.t, long > 0, in.Change.Change.Op == access.OpAcquire)
	require.Equal(w.t, long, in.Change.Change.Lease.For)
}

// extend is the ledger's answer to who asks for an extension: one of two must approve it.
func (w *randomGrant) extend(_ context.Context, in wire.ExtendActivityInput) (wire.ExtendResult, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	x := in.Extension
	x.Approval = access.Approval{Required: true, DecideWithin: access.Duration(time.Hour), Steps: []access.ApprovalStep{
		{Need: 1, Groups: []string{"some"}, People: []string{person(0), person(1), person(2), person(3)}},
	}}
	x = x.Seal()
	w.extensions = append(w.extensions, x)
	w.askedAt[x.Hash] = w.Now().Add(4 * time.Minute) // at the latest: the activity may take that long
	return wire.ExtendResult{Extension: x}, nil
}

// checkExtension checks that an end moves only as people have approved it: by its own hash, nobody
// who asks, requests or receives, and after no denial.
func (w *randomGrant) checkExtension(x access.Extension) {
	w.extended++
	require.Contains(w.t, w.extensions, *x.Asked)
	require.Equal(w.t, x.Asked.EndsAt, x.EndsAt)
	approvals := 0
	for _, d := range w.ledger {
		if d.PlanHash != x.Asked.Hash {
			continue
		}
		require.Equal(w.t, wire.ApproveUpdate, d.Action, "moved after a denial")
		people := approval.People(d)
		require.True(w.t, slices.Contains(people, person(2)) || slices.Contains(people, person(3)), "%+v", d)
		for _, barred := range []string{person(0), person(1), fold(x.By)} {
			require.NotContains(w.t, people, barred, "by the requester, the recipient or who asked: %+v", d)
		}
		approvals++
	}
	require.Equal(w.t, 1, approvals, "the end has moved without approval: %+v", x)
}
