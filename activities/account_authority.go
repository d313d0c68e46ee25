package activities

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// loadRecord replaces the plan of the input by the one that the ledger has of the request.
func (c *accountCreation) loadRecord(ctx context.Context) error {
	run := runOf(c.in.Request)
	entries, err := c.store.LedgerOf(ctx, c.consoleName, run.Request)
	if err != nil {
		return err
	}
	if entries, err = genuine(ctx, c.store, entries, c.in.Cancel); err != nil {
		return err
	}
	if c.record, err = authority.RecordOf(entries, run); err != nil {
		return err
	}
	plan := c.record.Plan.Plan
	same := plan.Hash == c.in.Plan.Hash && c.in.Key == access.ChangeKey(run.String(), c.does)
	switch {
	case !same || c.does == access.OpCreate && plan.Account == nil:
		return kinds.New(kinds.Refused, fmt.Errorf("the ledger holds no plan of %s to create this account: "+
			"request it with `starter user create` or `starter service-user create`", run))
	case c.does == access.OpRotate && plan.Rotation == nil:
		return kinds.New(kinds.Refused, fmt.Errorf("the ledger holds no plan of %s to rotate this token: "+
			"request it again", run))
	case plan.Account != nil:
		c.want = *plan.Account
	default:
		c.want = access.NewAccount{
			Kind: plan.Principal.Kind, Name: plan.Principal.Name, TokenExpiresAt: plan.Rotation.ExpiresAt,
		}
		if plan.Rotation.Own {
			c.want.Name = access.SuccessorName(plan.Principal.Name, c.in.Key)
			c.want.Description = "takes the place of service user " + plan.Principal.ID
		}
	}
	c.in.Plan = plan
	return nil
}

func (c *accountCreation) judgement(ctx context.Context) (authority.Verdict, error) {
	if c.does == access.OpRotate {
		return c.judge.Rotate(ctx, c.record, c.now().UTC())
	}
	return c.judge.Create(ctx, c.record, c.now().UTC())
}

// authorize decides whether the account may be created. done is the answer where it may not.
func (c *accountCreation) authorize(ctx context.Context) (done *wire.CreateResult, err error) {
	v, err := c.judgement(ctx)
	switch {
	case err != nil:
		return nil, kinds.New(kinds.Unavailable,
			fmt.Errorf("cannot tell yet whether the %s is authorized: %w", c.noun(), err))
	case v.Covered():
		return nil, nil
	case v.Answer == authority.NotNow:
		return nil, kinds.New(kinds.Unavailable, errors.New(v.Text))
	}
	attempt.Logger(ctx).Warn("A change of an account is not authorized",
		"request", c.request, "reason", v.Reason, "text", v.Text)
	err = c.recordUnauthorized(ctx, ledger.Unauthorized{
		Change: c.key, Op: c.does, Principal: c.in.Plan.Principal, Reason: string(v.Reason), Text: v.Text,
	})
	if err != nil {
		return nil, err
	}
	out, err := c.recordProof(ctx, wire.CreateResult{
		Proof: c.proof(access.Unauthorized, access.Principal{}), Refused: true, Message: "not authorized: " + v.Text,
	})
	return &out, err
}

// noun is what the attempt is about, for messages.
func (c *accountCreation) noun() string {
	if c.does == access.OpRotate {
		return "new token"
	}
	return "account"
}

func countUnauthorized(ctx context.Context, reason authority.Reason) {
	attempt.RuntimeOf(ctx).Metrics.WithTags(map[string]string{"reason": string(reason)}).
		Counter(UnauthorizedMetric).Inc(1)
}
