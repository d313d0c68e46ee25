package ledger

import "sentinelone-provisioner/internal/access"

// Lists calls do with every list of roles in a body.
func Lists(b Body, do func(access.Holdings)) {
	see := func(h *access.Holdings) { do(*h) }
	switch b := b.(type) {
	case Request:
		b.Lists(see)
	case Write:
		b.Write.Lists(see)
		if b.Roles != nil {
			b.Roles.Step.Lists(see)
		}
	case Answer:
		b.Write.Lists(see)
	case Proof:
		b.Proof.Lists(see)
		if b.Roles != nil {
			b.Roles.Next.Lists(see)
		}
	case Confirmation:
		b.Read.Lists(see)
	case Receipt:
		b.Receipt.Lists(see)
	}
}

// Lists visits the lists of roles.
func (r *Request) Lists(do func(*access.Holdings)) { r.Plan.Lists(do) }
