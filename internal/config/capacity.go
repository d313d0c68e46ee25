package config

import (
	"errors"
	"fmt"
)

// Capacity bounds what one worker process holds in memory and does at once. The defaults hold 10,000
// running grants in 256 MiB: a running workflow takes memory only while it is cached, and is
// replayed from its history when something happens to it.
type Capacity struct {
	Cache         int `env:"WORKFLOW_CACHE_SIZE" envDefault:"1000" help:"workflows that the worker keeps in memory, some 75 KiB each; others are replayed when something happens to them"`
	WorkflowSlots int `env:"WORKFLOW_SLOTS"      envDefault:"100"  help:"workflow tasks that the worker does at once, each with its workflow in memory"`
	ActivitySlots int `env:"ACTIVITY_SLOTS"      envDefault:"1000" help:"activities that the worker does at once, on each of the two task queues"`
	Pollers       int `env:"POLLERS"             envDefault:"2"    help:"connections that wait for tasks, for each task queue and kind of task; for workflows twice as many"`
	MemoryMiB     int `env:"MEMORY_LIMIT_MIB"    envDefault:"150"  help:"soft limit of the worker's heap in MiB: garbage is collected more often near it; GOMEMLIMIT and GOGC override it"`
}

// Validate returns all faults of these settings, joined: two is the least that Temporal takes of
// slots and pollers.
func (c Capacity) Validate() error {
	var faults []error
	for _, v := range []struct {
		name              string
		value, least, max int
	}{
		{"WORKFLOW_CACHE_SIZE", c.Cache, 0, 1_000_000},
		{"WORKFLOW_SLOTS", c.WorkflowSlots, 2, 10_000},
		{"ACTIVITY_SLOTS", c.ActivitySlots, 2, 10_000},
		{"POLLERS", c.Pollers, 2, 100},
		{"MEMORY_LIMIT_MIB", c.MemoryMiB, 64, 1 << 20},
	} {
		if v.value < v.least || v.value > v.max {
			faults = append(faults, fmt.Errorf("%s is %d: set it to a number from %d to %d",
				v.name, v.value, v.least, v.max))
		}
	}
	return errors.Join(faults...)
}
