package main

import (
	"context"
	"errors"
	"slices"

	"go.temporal.io/api/serviceerror"
	"golang.org/x/sync/errgroup"
)

// questionsAtOnce bounds how many workflows are asked side by side.
const questionsAtOnce = 8

// askTemporal completes the rows of open requests with what Temporal says. If it does not
// answer they stay as they are, which is said once. What was not planned and has ended
// meanwhile is gone from them.
func (p *app) askTemporal(ctx context.Context, rows []requestRow) []requestRow {
	var open []*requestRow
	for i := range rows {
		if rows[i].State == stateOpen {
			open = append(open, &rows[i])
		}
	}
	if len(open) == 0 {
		return rows
	}
	e, err := p.connect(ctx)
	if err != nil {
		p.remark("note: how far open requests are is not known: %v", err)
		return rows
	}
	defer e.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(questionsAtOnce)
	for _, row := range open {
		group.Go(func() error { return e.complete(ctx, row) })
	}
	if err := group.Wait(); err != nil {
		p.remark("note: how far some open requests are is not known: %v", err)
	}
	return slices.DeleteFunc(rows, func(r requestRow) bool { return r.unplanned && r.gone })
}

// complete asks for one request. An error means that others need not be asked.
func (e *temporalClient) complete(ctx context.Context, row *requestRow) error {
	seen, err := e.glimpseNow(ctx, startedRun{WorkflowID: row.ID})
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		row.gone = true // Temporal has forgotten it, or it was another's
		return nil
	}
	switch {
	case err != nil:
		return e.Explain(err)
	case seen.trouble != "":
		return errors.New(seen.trouble)
	}
	row.take(seen)
	row.gone = seen.over
	return nil
}
