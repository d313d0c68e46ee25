package activities

import (
	"context"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// signedStatement is a statement that came with a signature.
type signedStatement struct {
	signing.Statement

	signature string
	at        time.Time // when it was accepted, by Temporal's clock
	use       string    // ledger key of what it is for
	oldUse    string    // the key that versions up to 0.4.0 would have given it; "" if the same
}

// useSignature marks a signature as used, and returns what it was used for before, if it was: it
// may be a replay. It compares statements, since some kinds of keys have many signatures for
// one. Repeating the call for the same use returns the first answer.
func (r *Request) useSignature(
	ctx context.Context,
	of wire.RequestInfo,
	w signedStatement,
	fingerprint string,
) (string, error) {
	text := w.Canonical()
	entries, err := r.store.Append(ctx, r.console.Console(), ledger.NewEntry{
		Request: of.ID, Key: ledger.SignatureKey(text), At: w.at,
		Body: ledger.Signature{UsedFor: w.use, Statement: string(text), Signed: fingerprint},
	})
	if err != nil {
		return "", fmt.Errorf("cannot record the use of the signature on %s: %w", of.ID, err)
	}
	first, err := ledger.DecodeAs[ledger.Signature](entries[0])
	if err != nil || first.UsedFor == w.use || w.oldUse != "" && first.UsedFor == w.oldUse {
		return "", err
	}
	return fmt.Sprintf("the signature was already used at %s for %s: sign again",
		entries[0].At.UTC().Format(time.RFC3339), first.UsedFor), nil
}

// sharesKey returns who has signed for this plan with the same key: see [approval.SharedKey].
func (r *Request) sharesKey(
	ctx context.Context, in wire.DecideInput, fingerprint string, entry *ledger.Decision,
) (string, error) {
	if in.Decision.Action != approval.Approve {
		return "", nil
	}
	entries, err := r.store.LedgerOf(ctx, r.console.Console(), in.Request.ID)
	if err != nil {
		return "", fmt.Errorf("cannot look up other uses of key %s: %w", fingerprint, err)
	}
	request, earlier, err := signedIn(entries, runOf(in.Request), in.Decision.PlanHash)
	if err != nil {
		return "", err
	}
	keys, err := r.signers.Keys()
	if err != nil {
		return "", fmt.Errorf("cannot look up other names of key %s: %w", fingerprint, err)
	}
	d := entry.Decision
	d.Signed = fingerprint
	return approval.SharedKey(d, request, earlier, keys.MaySignFor).Sentence(), nil
}

// signedIn finds in the ledger of a request the key that signed it in a run, and the decisions
// on a plan that count.
func signedIn(
	entries []ledger.Entry, run ledger.Run, plan string,
) (request approval.Request, decisions []access.Decision, err error) {
	for _, e := range entries {
		if !run.Owns(e.Key) {
			continue
		}
		switch e.Kind {
		case ledger.KindRequest:
			requested, err := ledger.DecodeAs[ledger.Request](e)
			if err != nil {
				return request, nil, err
			}
			request = approval.RequestOf(requested.Plan)
			if s := requested.Verified(); s != nil {
				request.Key = s.Signed
			}
		case ledger.KindDecision:
			kept, err := ledger.DecodeAs[ledger.Decision](e)
			if err != nil {
				return request, nil, err
			}
			if kept.Refusal == "" && kept.Decision.PlanHash == plan {
				decisions = append(decisions, kept.Decision)
			}
		default: // of no decision and no request
		}
	}
	return request, decisions, nil
}
