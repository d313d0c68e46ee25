package access

// Each Lists calls do with every list of roles in its value, so that the store can keep those that
// the JSON leaves out, and bring them back.

// Lists visits the lists of roles.
func (p *Plan) Lists(do func(*Holdings)) {
	do(&p.Before)
	do(&p.After)
	if p.Effect != nil {
		do(&p.Effect.LosesMany)
	}
}

// Lists visits the lists of roles.
func (w *Write) Lists(do func(*Holdings)) {
	do(&w.Before)
	do(&w.After)
	do(&w.Gains)
	do(&w.Loses)
}

// Lists visits the lists of roles.
func (r *Read) Lists(do func(*Holdings)) { do(&r.Holdings) }

// Lists visits the lists of roles.
func (p *Proof) Lists(do func(*Holdings)) {
	do(&p.Before)
	do(&p.After)
	for i := range p.Writes {
		p.Writes[i].Lists(do)
	}
	for i := range p.Reads {
		p.Reads[i].Lists(do)
	}
}

// Lists visits the lists of roles.
func (s *Step) Lists(do func(*Holdings)) {
	do(&s.Before)
	do(&s.After)
	s.Next.Lists(do)
}

// Lists visits the lists of roles.
func (t *OwnershipState) Lists(do func(*Holdings)) {
	do(&t.Baseline)
	do(&t.Proven)
	do(&t.Prior)
}

// Lists visits the lists of roles.
func (r *Receipt) Lists(do func(*Holdings)) {
	r.Plan.Lists(do)
	for i := range r.Proofs {
		r.Proofs[i].Lists(do)
	}
}
