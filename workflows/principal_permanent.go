package workflows

import (
	"slices"

	"sentinelone-provisioner/internal/wire"
)

// becomePermanent notes that a permanent grant has replaced its lease, which held the role
// until the review.
func (p *principalRun) becomePermanent(in wire.ChangeRequest, out wire.WriteResult) {
	if _, leased := p.ownership.Lease(lease(in)); leased && out.Recalled && out.Proof.Granted() {
		p.ownership = p.ownership.Apply(in.Change, p.ownership.Proven).Next
	}
	if _, leased := p.ownership.Lease(lease(in)); !leased {
		p.dropHolder(lease(in))
	}
}

// dropHolder drops the holder of a lease that has ended.
func (p *principalRun) dropHolder(lease string) {
	p.holders = slices.DeleteFunc(p.holders, func(h wire.LeaseHolder) bool { return h.Lease == lease })
}
