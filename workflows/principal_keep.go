package workflows

import (
	"slices"

	"sentinelone-provisioner/internal/wire"
)

// keep takes over that a grant for good has taken the place of its lease: a role that was
// given until somebody had looked at it.
func (p *principalRun) keep(in wire.ChangeRequest, out wire.WriteResult) {
	if _, leased := p.ownership.Lease(lease(in)); leased && out.Recalled && out.Proof.Granted() {
		p.ownership = p.ownership.Apply(in.Change, p.ownership.Proven).Next
	}
	if _, leased := p.ownership.Lease(lease(in)); !leased {
		p.forget(lease(in))
	}
}

// forget drops the holder of a lease that has ended.
func (p *principalRun) forget(lease string) {
	p.holders = slices.DeleteFunc(p.holders, func(h wire.LeaseHolder) bool { return h.Lease == lease })
}
