package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// recordedPolicies are policies by hash that have been kept in the store, or read from
// it. There are as many as there were files, so none is dropped.
type recordedPolicies struct {
	sync.Mutex

	known map[string]*policy.Policy
}

func (k *recordedPolicies) load(hash string) *policy.Policy {
	k.Lock()
	defer k.Unlock()
	return k.known[hash]
}

func (k *recordedPolicies) store(p *policy.Policy) {
	k.Lock()
	defer k.Unlock()
	k.known[p.Hash()] = p
}

// recordedPolicy is the policy of that hash, from the store unless it is the worker's own.
// refusal says why it cannot be had: no other policy takes its place, since that might ask for
// less.
func (r *Request) recordedPolicy(ctx context.Context, hash string) (p *policy.Policy, refusal string, err error) {
	switch p = r.recorded.load(hash); {
	case hash == "":
		return nil, "the first plan of this request names no policy: request again", nil
	case r.policy.Hash() == hash:
		return r.policy, "", nil
	case p != nil:
		return p, "", nil
	}
	name, text, err := r.store.PolicyOf(ctx, hash)
	switch {
	case errors.Is(err, store.ErrNoPolicy):
		return nil, lostPolicy(hash, "is not in the store"), nil
	case err != nil:
		return nil, "", err
	}
	if actual := policy.HashOf(text); actual != hash {
		return nil, lostPolicy(hash, "was changed in the store: its text has the hash "+actual), nil
	}
	if p, err = policy.Parse(name, text); err != nil {
		return nil, lostPolicy(hash, fmt.Sprintf("cannot be read by this release (%v)", err)), nil
	}
	r.recorded.store(p)
	return p, "", nil
}

func lostPolicy(hash, why string) string {
	return fmt.Sprintf("the policy of this request (%.12s) %s: request again", hash, why)
}

// recordPolicy keeps the policy that a plan follows, before the plan is filed, so that the
// request can be planned by it again.
func (r *Request) recordPolicy(ctx context.Context, in wire.PlanInput, plan access.Plan) error {
	p := r.policy
	if plan.Approval.Hash == p.Hash() && r.recorded.load(p.Hash()) == nil {
		if err := r.store.KeepPolicy(ctx, p.Hash(), p.Name(), p.Text()); err != nil {
			return fmt.Errorf("cannot store the policy of %s: %w", in.Request.ID, err)
		}
		r.recorded.store(p)
	}
	return nil
}
