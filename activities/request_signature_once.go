package activities

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// replayed says that a decision is on record from before the last plan of the run: people were
// asked anew since, maybe about the same effect again, and whoever reads the namespace can send
// it once more. After a reset, the same decision on the same plan counts again.
func (r *Request) replayed(ctx context.Context, in wire.DecideInput, key string) (string, error) {
	entries, err := r.store.LedgerOf(ctx, r.console.Console(), in.Request.ID)
	if err != nil {
		return "", fmt.Errorf("cannot look up earlier decisions on %s: %w", in.Request.ID, err)
	}
	run, planned := runOf(in.Request), int64(0)
	for _, e := range entries {
		if e.Kind == ledger.KindRequest && run.Owns(e.Key) {
			planned = max(planned, e.Seq)
		}
	}
	for _, e := range entries {
		if e.Kind == ledger.KindDecision && e.Seq < planned &&
			(e.Key == key || strings.HasPrefix(e.Key, key+"/")) && e.Key != ledger.DecisionEntryKey(key, in.Number) {
			return fmt.Sprintf("the signature was already used at %s for an earlier plan of this request: sign again",
				e.At.UTC().Format(time.RFC3339)), nil
		}
	}
	return "", nil
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
			request = requestedBy(request, requested)
		case ledger.KindExtensionRequest:
			asked, err := ledger.DecodeAs[ledger.ExtensionRequest](e)
			if err != nil {
				return request, nil, err
			}
			if x := asked.Extension; x.Hash == plan {
				request.Asker, request.AskerKey = x.By, x.Signed
			}
		default: // of no decision and no request
		}
	}
	decisions, err = decidedOn(entries, run, plan)
	return request, decisions, err
}

// decidedOn finds the decisions on a plan that count.
func decidedOn(entries []ledger.Entry, run ledger.Run, plan string) (out []access.Decision, err error) {
	for _, e := range entries {
		if !run.Owns(e.Key) || e.Kind != ledger.KindDecision {
			continue
		}
		kept, err := ledger.DecodeAs[ledger.Decision](e)
		if err != nil {
			return nil, err
		}
		if kept.Refusal == "" && kept.Decision.PlanHash == plan {
			out = append(out, kept.Decision)
		}
	}
	return out, nil
}

// requestedBy is what a later plan leaves of a request: the key of the first plan, since later
// ones are not signed again.
func requestedBy(before approval.Request, requested ledger.Request) approval.Request {
	out := approval.RequestOf(requested.Plan)
	out.Key = before.Key
	if s := requested.Verified(); s != nil {
		out.Key = s.Signed
	}
	return out
}
