package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/testbed"
)

// floorCommand is the argument that makes this program the worker of the floor; the task queue
// follows. Like the real worker it is a separate process.
const floorCommand = "floor-worker"

const floorReady = "floor is ready"

// serveFloor runs the worker of the floor until ctx ends.
func serveFloor(ctx context.Context, queue string) error {
	options, err := temporalclient.Options(slog.New(slog.DiscardHandler), "")
	if err != nil {
		return err
	}
	c, err := temporalclient.Dial(ctx, options)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, w := range floorWorkers(c, queue) {
		if err := w.Start(); err != nil {
			return err
		}
		defer w.Stop()
	}
	fmt.Println(floorReady)
	<-ctx.Done()
	return nil
}

// floor starts the floor's worker with the memory settings of the real one.
func (b *bench) floor(ctx context.Context, queue string) (*testbed.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	output := &testbed.Output{}
	p, err := testbed.StartProcess(output, []string{
		"TEMPORAL_ADDRESS=" + b.temporal.Address, "GOGC=400", "GOMEMLIMIT=150MiB",
	}, self, floorCommand, queue)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := output.WaitFor(ctx, floorReady, 1); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}
