package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.temporal.io/sdk/activity"

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

// recordedPolicy is the policy of that hash; the worker's own if there is no hash. One that
// cannot be had any more is replaced by the worker's, which the note says.
func (r *Request) recordedPolicy(ctx context.Context, hash string) (p *policy.Policy, note string, err error) {
	if hash == "" || r.policy.Hash() == hash {
		return r.policy, "", nil
	}
	if p = r.recorded.load(hash); p != nil {
		return p, "", nil
	}
	name, text, err := r.store.PolicyOf(ctx, hash)
	switch {
	case errors.Is(err, store.ErrNoPolicy):
		return r.policy, replacedNote(hash, "is not recorded"), nil
	case err != nil:
		return nil, "", err
	}
	if p, err = policy.Parse(name, text); err != nil || p.Hash() != hash {
		activity.GetLogger(
			ctx,
		).Error(
			"Cannot parse a recorded policy; the worker's own is used",
			"policy",
			hash,
			"name",
			name,
			"error",
			err,
		)
		return r.policy, replacedNote(hash, "cannot be read any more"), nil
	}
	r.recorded.store(p)
	return p, "", nil
}

func replacedNote(hash, why string) string {
	return fmt.Sprintf("the policy of the earlier plan (%.12s) %s: the worker's present policy is used",
		hash, why)
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
