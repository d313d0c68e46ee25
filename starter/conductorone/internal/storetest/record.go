package storetest

import (
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
)

// Entries are what a worker writes about a run of a request with a plan, and its proofs.
func Entries(run ledger.Run, p access.Plan, proofs ...access.Proof) []ledger.NewEntry {
	out := []ledger.NewEntry{{
		Request: run.Request, Key: run.RequestKey(0), Body: ledger.Request{Plan: p.Seal()},
	}}
	for _, proof := range proofs {
		body := ledger.Proof{
			Principal: &ledger.Subject{Kind: p.Principal.Kind, ID: p.Principal.ID}, Proof: proof,
			Roles: &ledger.RoleProof{},
		}
		switch proof.Op {
		case access.OpCreate, access.OpRotate:
			body.Principal, body.Roles, body.Account = nil, nil, &ledger.AccountProof{}
		default:
		}
		out = append(out, ledger.NewEntry{
			Request: run.Request, Key: ledger.ProofKey(access.ChangeKey(run.String(), proof.Op)), Body: body,
		})
	}
	return out
}

// Record is what the ledger holds of such a run.
func Record(run ledger.Run, p access.Plan, proofs ...access.Proof) (authority.Record, error) {
	var entries []ledger.Entry
	for _, n := range Entries(run, p, proofs...) {
		e, err := n.Entry(Console, time.Now())
		if err != nil {
			return authority.Record{}, err
		}
		entries = append(entries, e)
	}
	return authority.RecordOf(entries, run)
}
