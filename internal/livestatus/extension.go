package livestatus

import "sentinelone-provisioner/internal/wire"

// OfExtension is the status of a request as those see it who decide on its pending extension:
// the extension and its approval are in the place of the plan's hash and of the approval, so
// that a decision names the extension. ok is false if no extension is pending.
func OfExtension(s wire.RequestStatus) (out wire.RequestStatus, ok bool) {
	x := s.Extension
	if x == nil || s.Plan == nil {
		return s, false
	}
	plan := *s.Plan
	plan.Hash, plan.Approval = x.Asked.Hash, x.Asked.Approval
	s.Plan, s.Approval = &plan, &x.Approval
	return s, true
}

// IsExtension says that a status is one of [OfExtension].
func IsExtension(s wire.RequestStatus) bool {
	return s.Extension != nil && s.Plan != nil && s.Plan.Hash == s.Extension.Asked.Hash
}
