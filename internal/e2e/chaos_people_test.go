package e2e

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// askedFor is a time-bound request, as the person knows it who made it.
type askedFor struct {
	id       string
	user     access.Principal
	held     access.Holding
	duration time.Duration
}

// openAtOnce is how many of the newest requests people still think about.
const openAtOnce = 40

// requestTimed requests a role for 2 to 30 seconds at one of two sites. Two roles at one site take
// each other's place, and give it back.
func (c *chaos) requestTimed(ctx context.Context, chance *mathrand.Rand) {
	user := c.users[chance.IntN(len(c.users))]
	held := c.world.AtSite([]string{"SOC", "Admin"}[chance.IntN(2)], 1+chance.IntN(2))
	d := time.Duration(2+chance.IntN(29)) * time.Second
	c.mu.Lock()
	r := &askedFor{id: wire.GrantID(fmt.Sprintf("timed-%d", len(c.asked))), user: user, held: held, duration: d}
	c.asked = append(c.asked, r)
	c.mu.Unlock()
	err := c.startRequest(ctx, r.id, wire.GrantType, c.inputFor(user, held, d.String()))
	c.deeds.note("request %s: %s at %s for %s until %s later: %v",
		r.id, held.RoleID, held.ScopeID, user.ID, d, err)
}

// startRequest starts a request, or finds that it was started before.
func (c *chaos) startRequest(ctx context.Context, id, kind string, in any) error {
	ctx, stop := context.WithTimeout(ctx, chaosCall)
	defer stop()
	_, err := c.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: c.queue, WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
	}, kind, in)
	if _, before := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); before {
		return nil
	}
	return err
}

// moveEnd extends, ends or cancels one of the newest requests.
func (c *chaos) moveEnd(ctx context.Context, chance *mathrand.Rand) {
	r := c.recent(chance)
	if r == nil {
		return
	}
	ctx, stop := context.WithTimeout(ctx, chaosCall)
	defer stop()
	const by = "bob@example.com"
	var err error
	how := []string{wire.ExtendUpdate, wire.EndUpdate, wire.CancelUpdate}[chance.IntN(3)]
	if how == wire.ExtendUpdate {
		more := access.Duration(time.Duration(2+chance.IntN(9)) * time.Second)
		err = c.sendUpdate(ctx, r.id, how, wire.ExtendInput{By: by, Duration: more})
	} else {
		err = c.sendUpdate(ctx, r.id, how, wire.StopInput{By: by})
	}
	c.deeds.note("%s %s: %v", how, r.id, err)
}

func (c *chaos) recent(chance *mathrand.Rand) *askedFor {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.asked)
	if n == 0 {
		return nil
	}
	return c.asked[n-1-chance.IntN(min(n, openAtOnce))]
}

// sendUpdate sends an update and waits for its answer no longer than ctx.
func (s *stack) sendUpdate(ctx context.Context, id, update string, in any) error {
	handle, err := s.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: update, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	return err
}

// permanentRole is a role at a site of its own, which one person grants and revokes by turns.
type permanentRole struct {
	user  access.Principal
	held  access.Holding
	turns int
	// open is the request under way; "" if there is none.
	open   string
	revoke bool
	// has is what the last answer says. What became of a request that somebody has meddled with, or
	// that was lost with Temporal's database, is not known: then the ledger alone says it.
	has, unknown bool
}

// permanentSite is the site at which roles are permanent.
func (c *chaos) permanentSite() string { return c.world.AtSite("SOC", 3).ScopeID }

// movePermanent looks after one person's permanent role: asks what became of the last request, or
// makes the next one.
func (c *chaos) movePermanent(ctx context.Context, chance *mathrand.Rand) {
	user := c.users[chance.IntN(len(c.users))]
	c.mu.Lock()
	p := c.permanent[user.ID]
	if p == nil {
		p = &permanentRole{user: user, held: c.world.AtSite("SOC", 3)}
		c.permanent[user.ID] = p
	}
	c.mu.Unlock()
	switch {
	case p.unknown:
	case p.open != "":
		c.learnPermanent(ctx, p)
	default:
		p.turns++
		p.revoke = p.has
		p.open = wire.GrantID(fmt.Sprintf("permanent-%s-%d", user.ID, p.turns))
		c.askPermanent(ctx, p)
	}
}

func (c *chaos) askPermanent(ctx context.Context, p *permanentRole) {
	in, kind := c.inputFor(p.user, p.held, ""), wire.GrantType
	var input any = in
	if p.revoke {
		kind, input = wire.RevokeType, wire.RevokeInput{
			Principal: in.Principal, Role: in.Role, Scope: in.Scope, Requester: in.Requester,
		}
	}
	c.deeds.note("%s %s for %s: %v", kind, p.open, p.user.ID, c.startRequest(ctx, p.open, kind, input))
}

// learnPermanent asks Temporal what became of the request under way.
func (c *chaos) learnPermanent(ctx context.Context, p *permanentRole) {
	ctx, stop := context.WithTimeout(ctx, chaosCall)
	defer stop()
	is, err := c.client.DescribeWorkflowExecution(ctx, p.open, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		c.askPermanent(ctx, p) // it was never started, or lost
		return
	}
	status := is.GetWorkflowExecutionInfo().GetStatus()
	if err != nil || status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return
	}
	var got wire.RequestResult
	err = c.client.GetWorkflow(ctx, p.open, "").Get(ctx, &got)
	if ctx.Err() != nil {
		return
	}
	switch got.State {
	case wire.StateGranted:
		p.has = true
	case wire.StateRevoked:
		p.has = false
	default:
		p.unknown = true
	}
	c.deeds.note("%s: %s %s %v", p.open, got.State, got.Message, err)
	p.open = ""
}

// startASync starts a sync beside all else.
func (c *chaos) startASync(ctx context.Context, _ *mathrand.Rand) {
	c.mu.Lock()
	c.syncs++
	id := wire.SyncID(fmt.Sprintf("chaos-%d", c.syncs))
	c.mu.Unlock()
	c.deeds.note("sync %s: %v", id, c.startRequest(ctx, id, wire.SyncType, wire.SyncInput{}))
}
