package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// drainUntilSettled drains the collections side by side and settles the snapshot;
// what settling requests again is drained again.
func (s *syncRun) drainUntilSettled(ctx workflow.Context) error {
	pending := s.collections
	for round := 1; ; round++ {
		s.enter(ctx, wire.StateDraining, "")
		if err := s.drainAll(ctx, pending); err != nil {
			return err
		}
		s.enter(ctx, wire.StateSettling, "")
		if err := s.settle(ctx); err != nil {
			return err
		}
		if s.settled.State != wire.SettledAgain {
			return nil
		}
		pending = s.settled.Again
		if s.settled.Why != "" {
			s.warn("drained again: " + s.settled.Why)
		}
		if round == wire.MaxRounds {
			return errOvertaken(wire.MaxRounds)
		}
	}
}

// drainAll drains collections at the same time. The first that fails stops the
// others.
func (s *syncRun) drainAll(ctx workflow.Context, collections []access.Collection) error {
	drainCtx, stop := workflow.WithCancel(ctx)
	defer stop()
	var failed error
	group := workflow.NewWaitGroup(ctx)
	for _, c := range collections {
		group.Add(1)
		workflow.Go(drainCtx, func(ctx workflow.Context) {
			defer group.Done()
			if err := s.drain(ctx, c); err != nil && failed == nil {
				failed = err
				stop()
			}
		})
	}
	group.Wait(ctx)
	return failed
}

// drain drains one collection until it is proven, or often enough.
func (s *syncRun) drain(ctx workflow.Context, c access.Collection) error {
	p := s.progress[c]
	for n := 1; ; n++ {
		p.Attempt++
		p.State = wire.CollectionDraining
		out, err := call[wire.SyncDrainResult](pagination(ctx, "drain "+string(c)), wire.SyncDrainActivity,
			wire.SyncDrainInput{
				Snapshot: s.status.Snapshot, Collection: c, Attempt: p.Attempt, Expected: s.expectedOf(c),
				Limit: p.limit,
			})
		if err != nil {
			return err
		}
		s.record(p, out)
		delete(s.expected, c) // it dates from before this drain; the next one requests it again
		if p.doubt == "" || n == wire.MaxDrains {
			return nil
		}
		s.log.Info("Collection is drained again", "collection", c, "doubt", p.doubt)
		if err := workflow.Sleep(ctx, wire.PauseBetweenDrains(n)); err != nil {
			return err
		}
	}
}

func (s *syncRun) record(p *drainState, out wire.SyncDrainResult) {
	p.Pages, p.Rows, p.Expected = out.Pages, out.Rows, out.Expected
	p.doubt, p.drift, p.limit = out.Doubt, out.Unassigned, out.Limit
	p.State = wire.CollectionProven
	if p.doubt != "" {
		p.State = wire.CollectionDoubtful
	}
	s.requests += out.Requests
}

func (s *syncRun) expectedOf(c access.Collection) *int {
	if n, ok := s.expected[c]; ok {
		return &n
	}
	return nil
}

func (s *syncRun) settle(ctx workflow.Context) error {
	doubts, attempts := make(map[access.Collection]string), make(map[access.Collection]int)
	for _, c := range s.collections {
		attempts[c] = s.progress[c].Attempt
		if why := s.progress[c].doubt; why != "" {
			doubts[c] = why
		}
	}
	out, err := call[wire.SyncSettleResult](bulkTx(ctx, "prove and promote"), wire.SyncSettleActivity,
		wire.SyncSettleInput{
			Snapshot: s.status.Snapshot, Collections: s.collections, Doubts: doubts, Rechecked: s.recounted,
			Attempts: attempts,
		})
	s.requests += out.Requests
	s.settled = out
	s.recounted = s.recounted || out.Recheck
	return err
}

func unassignedWarning(c access.Collection, n int) string {
	return fmt.Sprintf("%d role entries of %s name no role id and are left out", n, c)
}

// warn adds what is not there yet.
func (s *syncRun) warn(warnings ...string) {
	for _, w := range warnings {
		if !slices.Contains(s.status.Warnings, w) {
			s.status.Warnings = append(s.status.Warnings, w)
		}
	}
}
