package workflows

import (
	"slices"

	"sentinelone-provisioner/internal/wire"
)

// becomePermanent notes that a permanent grant has replaced its lease, which held the role
// until the review.
func (p *principalRun) becomePermanent(in wire.ChangeRequest, out wire.WriteResult) {
	if p.leased(in) && out.Recalled && out.Proof.Granted() {
		p.ownership = p.ownership.Apply(in.Change, p.ownership.Proven).Next
	}
	if !p.leased(in) {
		p.dropHolder(lease(in))
	}
}

// dropHolder drops the holder of a lease that has ended.
func (p *principalRun) dropHolder(lease string) {
	p.holders = slices.DeleteFunc(p.holders, func(h wire.LeaseHolder) bool { return h.Lease == lease })
}
