package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// grantRow holds the measurements on one database.
type grantRow struct {
	database         string
	floor, ours      []time.Duration // one at a time, alternating
	floorRate        float64         // grants per second with many in flight, medians
	oursRate         float64
	events, actions  int           // of one grant and its principal, the maximum
	inPlan, inChange time.Duration // medians of the durations of its activities
}

// grantBench is one console, one database, and both workers.
type grantBench struct {
	*bench

	client client.Client
	inputs *grantInputs
	queue  string
	begun  atomic.Int64 // grants and floor's grants, for their ids
	stops  []func()
}

// warmUp is the number of grants of each kind before the first that counts.
const warmUp = 3

// measureGrants alternates between the floor and real grants, so that both run under the same load.
func (b *bench) measureGrants(ctx context.Context, database string) (grantRow, error) {
	out := grantRow{database: database}
	g, err := b.prepareGrants(ctx, database)
	defer g.stop()
	if err != nil {
		return out, err
	}
	if err := g.single(ctx, &out); err != nil {
		return out, err
	}
	return out, g.concurrent(ctx, &out)
}

// prepareGrants starts the console, the database and both workers. Call stop also after an error.
func (b *bench) prepareGrants(ctx context.Context, database string) (*grantBench, error) {
	g := &grantBench{bench: b}
	url, stop, err := b.simulator(ctx, b.o.latency,
		"--users", "1", "--service-users", "1", "--sites", fmt.Sprint(sitesForGrants))
	if err != nil {
		return g, err
	}
	g.stops = append(g.stops, stop)
	if g.inputs, err = newGrantInputs(ctx, url, b.o.principals); err != nil {
		return g, err
	}
	databaseURL, err := b.database(ctx, database)
	if err != nil {
		return g, err
	}
	g.queue = fmt.Sprintf("grants-%d", b.runs)
	ours, _, err := b.worker(ctx, url, databaseURL, g.queue)
	if err != nil {
		return g, err
	}
	g.stops = append(g.stops, ours.Kill)
	floor, err := b.floor(ctx, g.floorQueue())
	if err != nil {
		return g, err
	}
	g.stops = append(g.stops, floor.Kill)
	g.client, err = b.temporal.Client(ctx)
	if err == nil {
		g.stops = append(g.stops, g.client.Close)
	}
	return g, err
}

func (g *grantBench) stop() {
	for _, stop := range slices.Backward(g.stops) {
		stop()
	}
}

func (g *grantBench) floorQueue() string { return g.queue + "-floor" }

// single measures one grant at a time, from the request to the verified result.
func (g *grantBench) single(ctx context.Context, out *grantRow) error {
	var plans, changes []time.Duration
	for i := range warmUp + g.o.grants {
		floor, err := g.floorGrant(ctx)
		if err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		ours, run, err := g.grant(ctx)
		if err != nil {
			return err
		}
		if i < warmUp {
			continue
		}
		out.floor, out.ours = append(out.floor, floor), append(out.ours, ours)
		seen, err := g.observe(ctx, run)
		if err != nil {
			return err
		}
		out.events, out.actions = max(out.events, seen.events), max(out.actions, seen.actions)
		plans = append(plans, seen.took[wire.PlanActivity])
		changes = append(changes, seen.took[wire.WriteActivity])
	}
	out.inPlan, out.inChange = median(plans), median(changes)
	return nil
}

// concurrent measures many grants in flight.
func (g *grantBench) concurrent(ctx context.Context, out *grantRow) error {
	var floor, ours []float64
	for range g.o.rounds {
		rate, err := g.rate(ctx, func(ctx context.Context) error { _, err := g.floorGrant(ctx); return err })
		if err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		floor = append(floor, rate)
		rate, err = g.rate(ctx, func(ctx context.Context) error { _, _, err := g.grant(ctx); return err })
		if err != nil {
			return err
		}
		ours = append(ours, rate)
	}
	out.floorRate, out.oursRate = median(floor), median(ours)
	return nil
}

// rate returns the grants per second when all of them are started at once.
func (g *grantBench) rate(ctx context.Context, grant func(context.Context) error) (float64, error) {
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for range g.o.inFlight {
		group.Go(func() error { return grant(ctx) })
	}
	err := group.Wait()
	return float64(g.o.inFlight) / time.Since(began).Seconds(), err
}

// grant grants a role that its principal does not hold; it is an error if it was not applied.
func (g *grantBench) grant(ctx context.Context) (time.Duration, client.WorkflowRun, error) {
	in, err := g.inputs.next()
	if err != nil {
		return 0, nil, err
	}
	began := time.Now()
	id := wire.GrantID(fmt.Sprintf("%s-%d", g.queue, g.begun.Add(1)))
	run, err := g.begin(ctx, id, g.queue, wire.GrantType, in)
	if err != nil {
		return 0, nil, err
	}
	var result wire.RequestResult
	if err := run.Get(ctx, &result); err != nil {
		return 0, nil, err
	}
	took := time.Since(began)
	if result.Outcome != access.Applied {
		return 0, nil, fmt.Errorf("grant %s ended %s, %s: %s",
			run.GetID(), result.State, result.Outcome, result.Message)
	}
	return took, run, nil
}

func (g *grantBench) floorGrant(ctx context.Context) (time.Duration, error) {
	n := g.begun.Add(1)
	began := time.Now()
	run, err := g.begin(ctx, fmt.Sprintf("floor/%s-%d", g.queue, n), g.floorQueue(), floorRequest,
		floorInput{Principal: fmt.Sprintf("floor-principal/%s/%d", g.queue, int(n)%g.o.principals)})
	if err == nil {
		err = run.Get(ctx, nil)
	}
	return time.Since(began), err
}

// begin starts a workflow. It retries while the server is too busy to respond.
func (g *grantBench) begin(ctx context.Context, id, queue, name string, in any) (client.WorkflowRun, error) {
	for {
		run, err := g.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: id, TaskQueue: queue, WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		}, name, in)
		if ctx.Err() != nil || !temporalclient.Unreachable(err) {
			return run, err
		}
	}
}
