package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/pending"
	"sentinelone-provisioner/internal/requestrecord"
)

// forMe stands for the default of --by.
const forMe = "me"

// fewRequests is how many running requests may be read one by one without a remark.
const fewRequests = 50

// waitingAnswer is the output for programs.
type waitingAnswer struct {
	WaitingFor string       `json:"waitingFor"`
	Console    string       `json:"console,omitempty"` // "" for all
	Requests   []waitingRow `json:"requests"`
}

// waitingRow is a request that is pending a decision.
type waitingRow struct {
	requestrecord.Row

	Reason string   `json:"reason,omitempty"`
	Step   int      `json:"step"` // from 0
	Steps  int      `json:"steps"`
	Need   int      `json:"need"`
	Given  int      `json:"given"`
	From   []string `json:"from"` // groups
	// Review is true for a break-glass request: it started at once and needs a review.
	Review bool `json:"review,omitempty"`
	// Extension is the later end that is asked for; nil unless an extension is pending.
	Extension *time.Time `json:"extension,omitempty"`
	Until     time.Time  `json:"until"`
}

// requestsWaitingFor lists the requests that one person can decide now.
func (p *app) requestsWaitingFor(ctx context.Context, who, console string) error {
	named := strings.TrimSpace(who)
	if strings.EqualFold(named, forMe) {
		named = strings.TrimSpace(defaultActor())
		if named == "" {
			return usage("--waiting-for me: actor unknown: pass the address, as in " +
				"--waiting-for carol@example.com")
		}
	}
	host, err := p.consoleNamed(ctx, console)
	if err != nil {
		return err
	}
	e, err := p.connect(ctx)
	if err != nil {
		return fmt.Errorf("cannot list pending approvals without Temporal: %w. "+
			"`starter requests --open` lists what the ledger has", err)
	}
	defer e.Close()
	finder := pending.NewFinder(e.Connection, "", p.now)
	found, err := finder.For(ctx, named, host)
	if n := finder.Walked(); n > fewRequests {
		p.remark("note: Temporal at %s does not know our search attributes, so all %d running requests were read: "+
			"register them with `make search-attributes`", e.Options.HostPort, n)
	}
	if err != nil {
		err = fmt.Errorf("cannot read every open request: %w", err)
		if len(found) == 0 {
			return err
		}
	}
	return errors.Join(p.showWaiting(waitingAnswer{
		WaitingFor: named, Console: host, Requests: waitingRows(found),
	}), err)
}

func (p *app) showWaiting(a waitingAnswer) error {
	if p.output.json {
		return p.emitJSON(a)
	}
	if len(a.Requests) == 0 {
		p.remark("no request is pending for %s", a.WaitingFor)
		if !isAddress(a.WaitingFor) {
			p.remark("policies list people by e-mail address: pass it, as in --waiting-for carol@example.com, " +
				"or set USER to your address")
		}
		return nil
	}
	p.emitTable(waitingTable(a.Requests))
	p.remark("look at one with `starter show ID`; decide with `starter approve ID…` or `starter deny ID…`")
	return nil
}

// consoleNamed is the console of the flag, else of the environment; "" for all.
func (p *app) consoleNamed(ctx context.Context, flag string) (string, error) {
	if flag == "" {
		return p.configuredConsole()
	}
	return p.chooseConsole(ctx, nil, flag)
}

func waitingRows(found []pending.Request) []waitingRow {
	rows := make([]waitingRow, len(found))
	for i, a := range found {
		s := a.Status
		rows[i] = waitingRow{
			Row:    requestrecord.RowOf(a.ID, s),
			Reason: s.Plan.Terms.Reason, Step: s.Approval.Step, Steps: s.Approval.Steps,
			Need: s.Approval.Need, Given: s.Approval.Given, From: s.Approval.From,
			Review: s.Approval.Review, Until: s.Approval.Until,
		}
		if livestatus.IsExtension(s) {
			rows[i].Extension = &s.Extension.Asked.EndsAt
		}
	}
	return rows
}

func waitingTable(rows []waitingRow) (header []string, lines [][]string) {
	plain := make([]requestrecord.Row, len(rows))
	for i, r := range rows {
		plain[i] = r.Row
	}
	header, lines = requestsTable(plain)
	last := len(header) - 1 // replaces the state: the next two columns say more
	header = append(header[:last:last], "has", "until")
	for i, r := range rows {
		has := fmt.Sprintf("%d of %d from %s", r.Given, r.Need, strings.Join(r.From, ", "))
		if r.Review {
			has = "review: " + has
		}
		if r.Extension != nil {
			has = "extension until " + describe.Minute(*r.Extension) + ": " + has
		}
		lines[i] = append(lines[i][:last:last], has, describe.Minute(r.Until))
	}
	return header, lines
}
