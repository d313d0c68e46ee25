package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
)

// signedWord is a statement that came with a signature.
type signedWord struct {
	signing.Statement

	signature string
	at        time.Time // when it was taken, by Temporal's clock
	use       string    // ledger key of what it is for
}

// take uses a signature up, and says for what it was used before, if it was: somebody
// may have kept it. It goes by the statement, since some kinds of keys have many
// signatures for one. Doing it again for the same gives the first answer.
func (r *Request) take(ctx context.Context, of RequestInfo, w signedWord, fingerprint string) (string, error) {
	text := w.Canonical()
	entries, err := r.store.Append(ctx, r.console.Console(), ledger.NewEntry{
		Request: of.ID, Key: ledger.SignatureKey(text), At: w.at,
		Body: ledger.Signature{UsedFor: w.use, Statement: string(text), Signed: fingerprint},
	})
	if err != nil {
		return "", fmt.Errorf("write down the signature on %s: %w", of.ID, err)
	}
	first, err := ledger.DecodeAs[ledger.Signature](entries[0])
	if err != nil || first.UsedFor == w.use {
		return "", err
	}
	return fmt.Sprintf("the signature was used already, at %s for %s: sign again",
		entries[0].At.UTC().Format(time.RFC3339), first.UsedFor), nil
}

// sharesKey says who has signed for this plan with the same key: one key is one person,
// whatever the names are that it may sign for, and whether it signed the decision or the
// delegation that it rests on. A denial needs no second person.
func (r *Request) sharesKey(
	ctx context.Context, in DecideInput, fingerprint string, entry *ledger.Decision,
) (string, error) {
	if in.Decision.Action != signing.KindApprove {
		return "", nil
	}
	entries, err := r.store.LedgerOf(ctx, r.console.Console(), in.Request.ID)
	if err != nil {
		return "", fmt.Errorf("look for other uses of key %s: %w", fingerprint, err)
	}
	keys := append(delegationKey(entry.Decision), fingerprint)
	for _, e := range entries {
		if !runOf(in.Request).Owns(e.Key) {
			continue // of another run
		}
		used, err := signedBy(e, in.Decision.PlanHash)
		if err != nil {
			return "", err
		}
		for _, key := range keys {
			if slices.Contains(used.keys, key) && !used.sharesPerson(entry.Decision) {
				return fmt.Sprintf("%s signs with key %s, with which %s has %s: one key is one person",
					entry.Decision.Who(), key, used.by.Who(), used.did), nil
			}
		}
	}
	return "", nil
}

// delegationKey is of whoever has delegated a decision, where that is signed.
func delegationKey(d access.Decision) []string {
	if d.Delegation == nil || d.Delegation.Signed == access.Unsigned {
		return nil
	}
	return []string{d.Delegation.Signed}
}

// keyUse says who has done what with which keys.
type keyUse struct {
	did  string
	by   access.Decision
	keys []string
}

// sharesPerson says that it is a word of the same person.
func (u keyUse) sharesPerson(d access.Decision) bool {
	return slices.ContainsFunc(u.by.People(), func(p string) bool { return slices.Contains(d.People(), p) })
}

// signedBy says who has asked for the request, or approved the plan, and with which keys;
// none if the entry is not about that.
func signedBy(e ledger.Entry, plan string) (keyUse, error) {
	switch e.Kind {
	case ledger.KindRequest:
		asked, err := ledger.DecodeAs[ledger.Request](e)
		if err != nil || asked.Verified() == nil {
			return keyUse{}, err
		}
		return keyUse{
			did: "asked", by: access.Decision{By: asked.Plan.Terms.Requester}, keys: []string{asked.Signature.Signed},
		}, nil
	case ledger.KindDecision:
		kept, err := ledger.DecodeAs[ledger.Decision](e)
		said := kept.Decision
		if err != nil || kept.Refusal != "" || said.Action != signing.KindApprove || said.PlanHash != plan {
			return keyUse{}, err
		}
		keys := delegationKey(said)
		if said.Signed != access.Unsigned {
			keys = append(keys, said.Signed)
		}
		return keyUse{did: "approved", by: said, keys: keys}, nil
	}
	return keyUse{}, nil
}
