package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
)

func (p *app) showCommand() *cobra.Command {
	var console string
	var full bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one request with its evidence",
		Long: `Show one request: what was requested and its plan, its state and what it waits for, required
approvals, decisions and eligible approvers, each write and each verification read with its
time, the outcome, and the receipt, whose hash is computed again.

While the request is open its state comes from the worker; without Temporal, or once Temporal
has removed it, from the ledger alone. Give the id with or without the workflow's prefix.

With -o json the command prints the receipt, or the status of a request without one.

Lists of more than 50 roles are in neither: both have their number and digest. --full reads them from
the database, checks their digests and shows them; a receipt verifies with them and without.`,
		Example: `  starter show INC-42
  starter show revoke/INC-42
  starter show INC-42 -o json | jq .hash
  starter show INC-42 --full`,
		Args: cobra.ExactArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error {
			return p.show(ctx, strings.TrimSpace(args[0]), console, full)
		}),
	}
	cmd.Flags().BoolVar(&full, "full", false, "show lists of roles to their end, from the database")
	consoleFlag(cmd, &console)
	return cmd
}

func (p *app) show(ctx context.Context, id, console string, full bool) error {
	e, unavailable := p.connect(ctx)
	switch _, misused := errors.AsType[*misuse](unavailable); {
	case misused:
		return unavailable
	case unavailable == nil:
		defer e.Close()
	}
	ids := requestclient.Candidates(id, requestclient.Prefixes()...)
	r := p.readRecord(ctx, requestrecord.Reader{Full: full}, e, console, ids...)
	if unavailable != nil {
		r.TemporalErr = unavailable
	}
	switch {
	case !r.Known():
		return notFound(r, id)
	case len(r.Others) > 0:
		return usage("%q is the id of several requests: pass %s or %s", id, r.ID, strings.Join(r.Others, " or "))
	}
	var err error
	if p.output.json {
		err = p.emitJSON(recordForPrograms(r))
	} else {
		p.printRecord(r, full)
	}
	if r.Receipt != nil && !r.Receipt.Intact() {
		err = errors.Join(err, fmt.Errorf("the hash of the receipt of %s does not match its content: "+
			"someone changed it. "+
			"Verify the whole record with `starter ledger verify`", r.ID))
	}
	return errors.Join(err, r.Unreadable())
}

// recordForPrograms is the receipt; before there is one, the latest status.
func recordForPrograms(r requestrecord.Record) any {
	if r.Receipt != nil {
		return r.Receipt
	}
	return r.CurrentStatus()
}

func (p *app) printRecord(r requestrecord.Record, full bool) {
	p.emitTable(nil, recordFacts(r, full))
	if events := r.Events(); len(events) > 0 {
		fmt.Fprintln(p.out)
		rows := make([][]string, len(events))
		for i, e := range events {
			rows[i] = []string{describe.Second(e.At), e.Step, e.Text}
		}
		p.emitTable([]string{"when", "step", "what"}, rows)
	}
	if r.TemporalErr != nil {
		p.remark("note: this is from the ledger: %s", describe.Text(r.TemporalErr.Error()))
	}
	if r.LedgerErr != nil {
		p.remark("note: the ledger could not be read: %s", describe.Text(r.LedgerErr.Error()))
	}
	if r.Runs > 1 {
		p.remark("note: the id was used %d times; this is the latest", r.Runs)
	}
}

// recordFacts are request, state, plan, approval and receipt, one a row.
func recordFacts(r requestrecord.Record, full bool) [][]string {
	names := describe.NewNames(r.Names, r.Plan)
	if full {
		names = names.Full()
	}
	facts := [][]string{{"request", r.ID}}
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, []string{name, value})
		}
	}
	add("requested", fmt.Sprintf("by %s on %s", describe.Person(r.Requester()), describe.Second(r.RequestedAt())))
	if r.Plan != nil {
		add("reason", r.Plan.Terms.Reason)
	}
	planned := requestrecord.IsPlanned(r.Plan)
	if planned {
		add("what", describe.Plan(*r.Plan))
	}
	add("state", r.StateText())
	add("waiting", r.Waiting())
	add("message", r.Message())
	if r.Access != nil {
		add("access", r.Access.Text())
	}
	add("request again", r.Again)
	if planned {
		facts = append(facts, planRows(names, *r.Plan)...)
		facts = append(facts, approvalFacts(r)...)
		add("plan", r.Plan.Hash)
	}
	facts = append(facts, scopeRows(names, r.Plan, r.Proofs)...)
	facts = append(facts, createdFacts(r.Proofs)...)
	for _, proof := range r.Proofs {
		facts = append(facts, list("by hand", proof.Drift)...)
	}
	if r.Receipt != nil {
		add("receipt", r.Receipt.Hash+", "+seal(*r.Receipt))
		add("signed", signedText(r.Receipt.Signed))
	}
	return facts
}

// signedText says how the receipt is signed, and what that leaves open: receipts of 0.4.0 do
// not say so themselves.
func signedText(signed string) string {
	if means := access.SignedMeans(signed); means != "" {
		return signed + ": " + means
	}
	return signed
}

func seal(r access.Receipt) string {
	if r.Intact() {
		return "intact"
	}
	return "MODIFIED: the hash does not match"
}
