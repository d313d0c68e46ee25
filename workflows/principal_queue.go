package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"
)

// writeQueue carries out one change of a principal at a time, urgent ones first.
type writeQueue struct {
	current *queuedWrite
	waiting []*queuedWrite // urgent ones before the others, each in the order they came
}

type queuedWrite struct {
	urgent bool
	stop   workflow.CancelFunc // of the work, once it is under way
}

func (q *writeQueue) free() bool { return q.current == nil && len(q.waiting) == 0 }

// run waits for its turn and does the work. A change that is not urgent is preempted when an
// urgent one comes: do returns a cancellation then, and may be queued again.
func (q *writeQueue) run(ctx workflow.Context, urgent bool, do func(ctx workflow.Context) error) error {
	me := &queuedWrite{urgent: urgent}
	q.enqueue(me)
	if err := workflow.Await(ctx, func() bool { return q.current == nil && q.waiting[0] == me }); err != nil {
		q.waiting = slices.DeleteFunc(q.waiting, func(x *queuedWrite) bool { return x == me })
		return err
	}
	q.current, q.waiting = me, q.waiting[1:]
	defer func() { q.current = nil }()
	inner, stop := workflow.WithCancel(ctx)
	defer stop()
	me.stop = stop
	return do(inner)
}

func (q *writeQueue) enqueue(me *queuedWrite) {
	at := len(q.waiting)
	if me.urgent {
		all := append(slices.Clone(q.waiting), &queuedWrite{})
		at = slices.IndexFunc(all, func(x *queuedWrite) bool { return !x.urgent })
	}
	q.waiting = slices.Insert(q.waiting, at, me)
	if me.urgent && q.current != nil && !q.current.urgent {
		q.current.stop()
	}
}
