package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

func (p *app) showCommand() *cobra.Command {
	var console string
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Everything about one request, with its evidence",
		Long: `Everything about one request: what was asked and what it means, where it stands and what
it waits for, who must consent, who has said what and who is still asked, each write and
each read-back with its time, the outcome, and the receipt, whose hash is computed again.

While it runs the worker is asked; without Temporal, or long after, the ledger answers
alone. The id is that of the request, with or without the workflow's prefix.

For programs it is the receipt, or the status of a request that has none yet.`,
		Example: `  starter show INC-42
  starter show revoke/INC-42
  starter show INC-42 -o json | jq .hash`,
		Args: cobra.ExactArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error {
			return p.show(ctx, strings.TrimSpace(args[0]), console)
		}),
	}
	consoleFlag(cmd, &console)
	return cmd
}

func (p *app) show(ctx context.Context, id, console string) error {
	e, err := p.connect(ctx)
	silent := ""
	switch _, misused := errors.AsType[*misuse](err); {
	case misused:
		return err
	case err != nil:
		silent = err.Error()
	default:
		defer e.Close()
	}
	d := p.requestRecord(ctx, e, console, candidates(id, requestPrefixes...)...)
	if silent != "" {
		d.silent = silent
	}
	switch {
	case !d.known():
		return d.unknown(id)
	case len(d.others) > 0:
		return usage("%q is more than one: give %s or %s", id, d.id, strings.Join(d.others, " or "))
	}
	err = nil
	if p.output.json {
		err = p.emitJSON(d.forPrograms())
	} else {
		p.printDossier(d)
	}
	if d.receipt != nil && !d.receipt.Intact() {
		err = errors.Join(err, fmt.Errorf("the receipt of %s is not as it was sealed: someone has changed it. "+
			"Verify the whole record with `starter ledger verify`", d.id))
	}
	return errors.Join(err, d.unreadable())
}

// forPrograms is the receipt; before there is one, the status, as far as it is known.
func (d requestRecord) forPrograms() any {
	switch {
	case d.receipt != nil:
		return d.receipt
	case d.status != nil:
		return d.status
	}
	s := wire.RequestStatus{
		State: d.state(), Request: d.id, Requester: d.requester(), StartedAt: d.askedAt(),
		Waiting: cmp.Or(d.message(), d.waiting()), Plan: d.plan, Proofs: orEmpty(d.proofs),
	}
	return s
}

func (p *app) printDossier(d requestRecord) {
	p.emitTable(nil, d.facts())
	if events := d.events(); len(events) > 0 {
		fmt.Fprintln(p.out)
		p.emitTable([]string{"when", "step", "what"}, eventRows(events))
	}
	if d.silent != "" {
		p.remark("note: this is from the ledger: %s", describe.Text(d.silent))
	}
	if d.unread != "" {
		p.remark("note: the ledger could not be read: %s", describe.Text(d.unread))
	}
	if d.runs > 1 {
		p.remark("note: the id was used %d times; this is the latest", d.runs)
	}
}

// facts are what people want to know first.
func (d requestRecord) facts() [][]string {
	facts := [][]string{{"request", d.id}}
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, []string{name, value})
		}
	}
	add("asked", fmt.Sprintf("by %s on %s", orUnknown(d.requester()), describe.Second(d.askedAt())))
	if d.plan != nil && d.plan.Terms.Reason != "" {
		add("reason", d.plan.Terms.Reason)
	}
	resolved := isMade(d.plan)
	if resolved {
		add("what", describe.Plan(*d.plan))
	}
	add("state", d.stateLine())
	add("waiting", d.waiting())
	add("message", d.message())
	if resolved {
		facts = append(facts, planRows(describe.NewNames(d.names, d.plan), *d.plan)...)
		facts = append(facts, d.consentFacts()...)
		add("plan", d.plan.Hash)
	}
	facts = append(facts, madeFacts(d.proofs)...)
	for _, proof := range d.proofs {
		facts = append(facts, list("by hand", proof.Drift)...)
	}
	if d.receipt != nil {
		add("receipt", d.receipt.Hash+", "+seal(*d.receipt))
		add("signed", d.receipt.Signed)
	}
	return facts
}

func seal(r access.Receipt) string {
	if r.Intact() {
		return "intact"
	}
	return "NOT as it was sealed"
}

func orUnknown(who string) string {
	if who == "" {
		return "somebody"
	}
	return who
}

// stateLine is the state with what belongs to it.
func (d requestRecord) stateLine() string {
	switch {
	case d.receipt != nil:
		return describe.Result(d.receipt.State, d.receipt.Outcome)
	case d.status != nil:
		return describe.State(d.state(), d.status.StartsAt, d.status.EndsAt)
	}
	return d.state()
}
