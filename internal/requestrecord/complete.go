package requestrecord

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/temporalclient"
)

// queriesAtOnce bounds the queries that run side by side.
const queriesAtOnce = 8

// HasOpen reports whether [Complete] would read any of the rows from Temporal.
func HasOpen(rows []Row) bool {
	return slices.ContainsFunc(rows, func(r Row) bool { return r.State == StateOpen })
}

// Complete adds what Temporal knows to the rows of open requests, and drops those without
// a plan that have ended meanwhile. The error says why some rows are as before.
func Complete(ctx context.Context, c *temporalclient.Connection, rows []Row) ([]Row, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(queriesAtOnce)
	for i := range rows {
		if rows[i].State == StateOpen {
			group.Go(func() error { return rows[i].complete(ctx, c) })
		}
	}
	err := group.Wait()
	return slices.DeleteFunc(rows, func(r Row) bool { return r.unplanned && r.gone }), err
}

// complete reads one request. An error means that the others would fail too.
func (r *Row) complete(ctx context.Context, c *temporalclient.Connection) error {
	seen, err := Observe(ctx, c, temporalclient.Run{WorkflowID: r.ID})
	switch {
	case temporalclient.IsNotFound(err): // its retention has ended, or it is in another namespace
		r.gone = true
		return nil
	case err != nil:
		return c.Explain(err)
	case seen.Trouble != "":
		return errors.New(seen.Trouble)
	}
	r.take(seen)
	r.gone = seen.Over
	return nil
}

// take copies what Temporal shows of a request into the row.
func (r *Row) take(o Observation) {
	r.State = o.State()
	if o.Status != nil {
		r.EndsAt, r.Waiting = o.Status.EndsAt, o.Status.Waiting
		if r.unplanned {
			r.Requester, r.AskedAt = o.Status.Requester, o.Status.StartedAt
		}
	}
	if o.Result != nil {
		r.Outcome, r.Message, r.Waiting = o.Result.Outcome, o.Result.Message, ""
	}
	if o.Failure != nil {
		r.Message, r.Waiting = o.Failure.Error(), ""
	}
}
