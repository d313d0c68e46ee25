package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
)

// writeSigners makes a key for each person and the file that lists them.
func (a *authorityScene) writeSigners(dir string) (*signing.AllowedSigners, error) {
	var list strings.Builder
	for _, who := range benchPeople {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		public, err := ssh.NewPublicKey(private.Public())
		if err != nil {
			return nil, err
		}
		a.keys[who] = private
		list.WriteString(who + " " + string(ssh.MarshalAuthorizedKey(public)))
	}
	path, revoked := filepath.Join(dir, "allowed_signers"), filepath.Join(dir, "revoked")
	err := errors.Join(os.WriteFile(path, []byte(list.String()), 0o600), os.WriteFile(revoked, nil, 0o600))
	if err != nil {
		return nil, err
	}
	return signing.LoadAllowedSigners(path, revoked)
}

// sealLedger has the store seal each entry, as a worker with a key does.
func sealLedger(ctx context.Context, s *store.Store) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	return s.SealWith(ctx, benchConsole, store.SealOptions{Key: ledger.NewSealKey(private)})
}

func (a *authorityScene) sign(ctx context.Context, who string, s signing.Statement) (string, error) {
	signer, err := ssh.NewSignerFromKey(a.keys[who])
	if err != nil {
		return "", err
	}
	algorithm, ok := signer.(ssh.AlgorithmSigner)
	if !ok {
		return "", fmt.Errorf("the key of %s cannot sign", who)
	}
	return signing.Sign(ctx, algorithm, s)
}

// fill writes the ledger: requests that have been carried out, and then the one to measure.
func (a *authorityScene) fill(ctx context.Context, row *authorityRow) error {
	const each, batch = 6, 50 // entries of a request, requests of an append
	mine, err := a.measured(ctx)
	if err != nil {
		return err
	}
	var next []ledger.NewEntry
	for n := 0; row.entries < authorityEntries-len(mine); n++ {
		id := fmt.Sprint(1000 + n)
		if n%busyEvery == 0 {
			id = a.principal().ID
			row.ofPrincipal += each
		}
		run := ledger.Run{Request: fmt.Sprintf("grant/%d", n), ID: "run"}
		next = append(next, a.carriedOut(run, id, mine)...)
		row.entries += each
		if len(next) < batch*each && row.entries < authorityEntries-len(mine) {
			continue
		}
		if _, err := a.store.Append(ctx, benchConsole, next...); err != nil {
			return err
		}
		next = nil
	}
	row.entries += len(mine)
	_, err = a.store.Append(ctx, benchConsole, mine...)
	return err
}

// measured are the entries of the request whose write is measured.
func (a *authorityScene) measured(ctx context.Context) ([]ledger.NewEntry, error) {
	spec := access.RequestSpec{
		Op: access.OpGrant, Console: benchConsole,
		Principal: access.PrincipalSelector{Kind: access.User, ID: a.principal().ID},
		Role:      access.RoleSelector{ID: benchSOC.RoleID},
		Scope:     access.ScopeSelector{Level: benchSOC.Level, ID: benchSOC.ScopeID},
		Terms:     access.Terms{Requester: "bob@example.com", Reason: "INC-42"},
	}
	plan := access.Plan{
		Op: spec.Op, Console: benchConsole, Principal: a.principal(), Terms: spec.Terms,
		Role:   access.RoleRef{ID: spec.Role.ID, Name: "SOC"},
		Scope:  access.ScopeRef{Level: spec.Scope.Level, ID: spec.Scope.ID},
		Before: holds(benchViewer),
	}
	body := ledger.Request{Plan: plan, SignaturesRequired: true, Facts: &ledger.Facts{RolePredefined: true}}
	in, _ := policy.InputFromLedger(body, a.now)
	answer, err := a.policy.Evaluate(in)
	if err != nil {
		return nil, err
	}
	plan.Approval, plan.Rules = answer.Approval, answer.Rules
	body.Plan = plan.Seal()
	sig := access.RequestSignature{Request: spec, SignedAt: a.now.Add(-time.Minute), At: a.now}
	if sig.Signature, err = a.sign(ctx, "bob@example.com", signing.OfRequest(a.run.Request, sig)); err != nil {
		return nil, err
	}
	body.Signature = &sig
	out := []ledger.NewEntry{{Request: a.run.Request, Key: a.run.RequestKey(0), At: a.now, Body: body}}
	for _, who := range []string{"carol@example.com", "dave@example.com"} {
		d := access.Decision{Action: signing.KindApprove, By: who, At: a.now, SignedAt: a.now, PlanHash: body.Plan.Hash}
		d.Signature, err = a.sign(ctx, who, signing.OfDecision(a.run.Request, a.run.ID, d.PlanHash, d))
		if err != nil {
			return nil, err
		}
		out = append(out, ledger.NewEntry{
			Request: a.run.Request, Key: ledger.DecisionEntryKey(a.run.DecisionKey(d, ""), len(out)-1), At: a.now,
			Body: ledger.Decision{Decision: d},
		})
	}
	return out, nil
}

// carriedOut are the entries of a grant of another run that ended long ago, like the one that
// is measured.
func (a *authorityScene) carriedOut(run ledger.Run, id string, like []ledger.NewEntry) []ledger.NewEntry {
	of := &ledger.Subject{Kind: access.User, ID: id}
	change := access.ChangeKey(run.String(), access.OpGrant)
	at := a.now.Add(-24 * time.Hour)
	sent := access.Write{At: at, Call: "PUT /users/" + id, Before: holds(benchViewer), After: holds(benchViewer)}
	step := access.Step{
		Before: holds(benchViewer), After: holds(benchViewer), Outcome: access.AlreadyHeld, Next: a.known,
	}
	proof := access.Proof{
		Op: access.OpGrant, Key: change, Outcome: access.AlreadyHeld, Before: step.Before, After: step.After,
		Writes: []access.Write{sent}, Reads: []access.Read{{At: at, Holdings: step.After}},
	}
	entry := func(key string, body ledger.Body) ledger.NewEntry {
		return ledger.NewEntry{Request: run.Request, Key: key, At: at, Body: body}
	}
	var out []ledger.NewEntry
	for n, e := range like {
		switch b := e.Body.(type) {
		case ledger.Request:
			b.Plan.Principal.ID = id
			b.Plan = b.Plan.Seal()
			out = append(out, entry(run.RequestKey(0), b))
		case ledger.Decision:
			out = append(out, entry(ledger.DecisionEntryKey(run.DecisionKey(b.Decision, ""), n-1), b))
		}
	}
	write := ledger.Write{Principal: of, Write: sent, Roles: &ledger.RoleWrite{Step: step}}
	settled := ledger.Proof{Principal: of, Proof: proof, Roles: &ledger.RoleProof{Next: a.known}}
	return append(out,
		entry(ledger.WriteKey(change, 0), write),
		entry(ledger.AnswerKey(change, 0), ledger.Answer{Principal: of, Write: sent}),
		entry(ledger.ProofKey(change), settled),
	)
}
