package main

import (
	"context"
	"time"

	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// connectionEvidence is what the worker's checks have kept in the database; nil where there is none. host is "" where
// the console or the database is not known.
func (c *statusCommand) connectionEvidence(ctx context.Context) (evidence *connection.Evidence, host string) {
	db, host, err := c.openLedger(ctx, "")
	if err != nil {
		return nil, ""
	}
	defer func() { _ = db.Close() }()
	kept, err := db.ConnectionCheck(ctx, host)
	if err == nil {
		evidence, err = connection.ReadEvidence(kept)
	}
	if err != nil {
		c.remark("note: %v", err)
	}
	return evidence, host
}

const noCheck = "no check is on record: start `worker`, which checks the connection every few minutes " +
	"(CONNECTION_CHECK_EVERY)"

// judgeConnection says what the evidence is worth now; nil where the database is not known. Whether a sync runs,
// Temporal has just said.
func (c *statusCommand) judgeConnection(e *connection.Evidence, host string, a statusAnswer) *connection.Report {
	switch {
	case host == "":
		return nil
	case e == nil:
		return new(connection.Unchecked(host, noCheck, c.now()))
	}
	now := *e
	if r := now.Running; r != nil && r.WorkflowID == a.WorkflowID {
		now.Running = nil
	}
	if s := a.Status; s != nil && a.Execution == "running" && s.State != wire.StateQuarantined {
		now.Running = &connection.Running{WorkflowID: a.WorkflowID, StartedAt: s.StartedAt}
	}
	return new(connection.Judge(now, c.now()))
}

// emitConnection shows the connection alone, where nothing is known of a sync. It shows nothing without evidence.
func (c *statusCommand) emitConnection(e *connection.Evidence) error {
	if e == nil {
		return nil
	}
	report := connection.Judge(*e, c.now())
	if c.output.json {
		return c.emitJSON(report)
	}
	c.printConnection(report)
	return nil
}

func (c *statusCommand) printConnection(r connection.Report) {
	facts := [][]string{{"console", r.Console}, {"connection", string(r.Label)}, {"because", r.Why}}
	if r.GoodUntil != nil {
		facts = append(facts, []string{"good until", describe.Minute(*r.GoodUntil)})
	}
	c.emitTable(nil, facts)
	writef(c.out, "\n")
	rows := make([][]string, len(r.Rungs))
	for i, rung := range r.Rungs {
		rows[i] = []string{rungMark(rung.State), rung.Name, age(rung.At, c.now()), rung.Evidence}
	}
	c.emitTable([]string{"", "rung", "seen", "evidence"}, rows)
	for _, fault := range r.Evidence.Faults {
		c.remark("warning: %s", fault)
	}
}

func rungMark(s connection.State) string {
	switch s {
	case connection.OK:
		return "✓"
	case connection.Notice:
		return "!"
	case connection.Wrong:
		return "✗"
	case connection.Unknown:
	}
	return "–"
}

func age(at *time.Time, now time.Time) string {
	if at == nil {
		return "never"
	}
	return describe.Ago(*at, now)
}
