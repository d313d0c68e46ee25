package authority

import (
	"context"
	"errors"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
)

// extended is the end of a lease after the extensions on record that were approved. One that
// is not covered leaves the end as it is.
func (j Judge) extended(ctx context.Context, r Record, end time.Time) (time.Time, error) {
	for _, x := range r.Extensions {
		if end.IsZero() || !aboutGrant(r, x, end) {
			continue
		}
		ok, err := j.extensionApproved(ctx, r, x)
		if err != nil {
			return time.Time{}, err
		}
		if ok {
			end = x.Extension.EndsAt
		}
	}
	return end, nil
}

// aboutGrant says that an extension is of this grant and moves its end to a later time. The
// end that it begins with is the workflow's, which may be a little later than ours.
func aboutGrant(r Record, x Extended, end time.Time) bool {
	is := x.Extension
	return x.Refusal == "" && is.Request == r.Run.Request && is.Run == r.Run.ID && is.PlanHash == r.Plan.Plan.Hash &&
		is.EndsAt.After(end) && is.EndsAt.Equal(is.From.Add(time.Duration(is.Duration))) &&
		is.From.Sub(end).Abs() <= clockSlack && is.Seal().Hash == is.Hash
}

// extensionApproved says that who asked for it and who approved it were allowed to.
func (j Judge) extensionApproved(ctx context.Context, r Record, x Extended) (bool, error) {
	key, signed, err := j.askedToExtend(r, x)
	if err != nil || !signed {
		return false, err
	}
	p, v, err := j.policyOf(ctx, r)
	if err != nil || !v.Covered() || p == nil {
		return false, err
	}
	is := x.Extension
	s := approval.ForExtension(r.Plan.Plan, is, x.At)
	s.Request.AskerKey = key
	if by := r.First.Verified(); by != nil {
		s.Request.Key = by.Signed
	}
	decisions, _, maySign, err := j.decisionsOn(ctx, r, is.Hash, s, x.At)
	if err != nil {
		return false, err
	}
	s.MaySign, s.Deadline = maySign, time.Time{}
	if approval.Replay(s, decisions).State.Verdict != approval.Approved {
		return false, nil
	}
	return j.extensionAsked(p, r, x), nil
}

// extensionAsked says that the approval asks for what the policy asks for: as the grant's
// plan did, or as the policy decides about an extension of that length.
func (j Judge) extensionAsked(p *policy.Policy, r Record, x Extended) bool {
	is := x.Extension
	in, complete := policy.InputFromLedger(r.Plan.Request, x.At)
	if !complete || is.Approval.Hash != p.Hash() {
		return false
	}
	in.Op, in.Requester = policy.OpExtend, is.By
	in.Duration = access.Duration(is.EndsAt.Sub(r.startedAt()))
	again, err := p.DecideAgain(in, is.Approval, x.At)
	return err == nil && again.Verdict == policy.AgainCovered &&
		(!again.NeedsSignature() || j.Signers == nil || is.Signature != "")
}

// askedToExtend verifies who asked for the extension.
func (j Judge) askedToExtend(r Record, x Extended) (key string, ok bool, err error) {
	if !j.signaturesRequired(r) {
		return "", true, nil
	}
	if j.Signers == nil {
		return "", false, errSignersGone
	}
	verified, err := j.Signers.Verify(signing.OfExtension(x.Extension), x.Extension.Signature, x.At)
	if file, unreadable := errors.AsType[*signing.FileError](err); unreadable {
		return "", false, file
	}
	return verified.Fingerprint, err == nil, nil
}
