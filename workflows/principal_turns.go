package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"
)

// turns lets one change at a time at a principal, urgent ones first.
type turns struct {
	current *turn
	queue   []*turn // urgent ones before the others, each in the order they came
}

type turn struct {
	urgent bool
	stop   workflow.CancelFunc // of the work, once it is under way
}

func (t *turns) free() bool { return t.current == nil && len(t.queue) == 0 }

// take waits for its turn and does the work. What is not urgent is stopped in the
// middle when something urgent comes: do returns a cancellation then, and may take
// another turn.
func (t *turns) take(ctx workflow.Context, urgent bool, do func(ctx workflow.Context) error) error {
	me := &turn{urgent: urgent}
	t.line(me)
	if err := workflow.Await(ctx, func() bool { return t.current == nil && t.queue[0] == me }); err != nil {
		t.queue = slices.DeleteFunc(t.queue, func(x *turn) bool { return x == me })
		return err
	}
	t.current, t.queue = me, t.queue[1:]
	defer func() { t.current = nil }()
	inner, stop := workflow.WithCancel(ctx)
	defer stop()
	me.stop = stop
	return do(inner)
}

func (t *turns) line(me *turn) {
	at := len(t.queue)
	if me.urgent {
		at = slices.IndexFunc(append(slices.Clone(t.queue), &turn{}), func(x *turn) bool { return !x.urgent })
	}
	t.queue = slices.Insert(t.queue, at, me)
	if me.urgent && t.current != nil && !t.current.urgent {
		t.current.stop()
	}
}
