package console

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// SharedBudget is a budget that several processes spend together: what all of them take is at most
// the published rate, with its burst.
type SharedBudget interface {
	// TakeBudget books the next n requests for paths under a prefix, each spacing after the one
	// before, and returns when the first may be sent: relative to now, negative where the budget
	// has rested, at most by rested.
	TakeBudget(ctx context.Context, console, prefix string, n int, spacing, rested time.Duration) (time.Duration, error)
}

// ShareBudgets has the client spend the budgets of its console together with other processes. Call
// it before the first request. Where shared fails, the client spends for a second what it would have
// alone: what ends access must not wait for a database, and a console that is asked too often
// says so, which is waited out.
func (c *Client) ShareBudgets(shared SharedBudget) {
	for i, l := range c.limits {
		c.limits[i].shared = newSharedBucket(shared, c.Console(), l.budget, l.waitAlone)
	}
}

const (
	// takeTimeout bounds the wait for the shared budget, takePause is how long nobody asks it
	// after it failed.
	takeTimeout = 500 * time.Millisecond
	takePause   = time.Second
)

// sharedBucket is one process's part of a budget: slots it has booked. A slot is a time from which on
// one request may be sent. It ends after a while, so that the slots that all processes hold are
// never more than the burst, however many processes there are.
type sharedBucket struct {
	shared  SharedBudget
	console string
	budget  Budget
	local   func(context.Context) error // waits for the budget that this process has alone

	spacing time.Duration // of slots
	rested  time.Duration // how far back the first slot may be: so many slots are the burst
	life    time.Duration // of a slot

	mu      sync.Mutex
	slots   []time.Time   // booked, ascending
	owed    int           // sent without a slot, not booked yet
	waiting int           // requests without a slot
	taking  chan struct{} // closed when the booking under way has ended; nil without one
	alone   time.Time     // until then the shared budget is not asked
	pace    float64       // requests in the latest second, fading
	paceAt  time.Time
}

func newSharedBucket(
	shared SharedBudget, console string, b Budget, local func(context.Context) error,
) *sharedBucket {
	spacing := time.Duration(float64(time.Second) / b.PerSecond)
	rested := time.Duration(b.Burst-1) * spacing
	return &sharedBucket{
		shared: shared, console: console, budget: b, local: local,
		spacing: spacing, rested: rested, life: rested + spacing/4,
	}
}

// urgent counts a request that does not wait. It is booked behind it.
func (b *sharedBucket) urgent(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owed++
	b.startTaking(ctx)
}

// hasRoom reports whether a slot is booked that may be used now.
func (b *sharedBucket) hasRoom() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	return slices.ContainsFunc(b.slots, func(s time.Time) bool {
		return !s.After(now) && !now.After(s.Add(b.life))
	})
}

// wait returns when a request may be sent.
func (b *sharedBucket) wait(ctx context.Context) error {
	for {
		slot, booking, err := b.next(ctx)
		switch {
		case err != nil:
			return err
		case booking != nil:
			err = b.await(ctx, booking)
		case slot.IsZero():
			return b.local(ctx)
		default:
			return sleepUntil(ctx, slot)
		}
		if err != nil {
			return err
		}
	}
}

// next returns a slot, or a booking to wait for with await; neither where this process is alone.
func (b *sharedBucket) next(ctx context.Context) (slot time.Time, booking chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.slots = slices.DeleteFunc(b.slots, func(s time.Time) bool { return now.After(s.Add(b.life)) })
	if len(b.slots) == 0 {
		if now.Before(b.alone) {
			return time.Time{}, nil, nil
		}
		b.waiting++
		return time.Time{}, b.startTaking(ctx), nil
	}
	slot = b.slots[0]
	if end, bounded := ctx.Deadline(); bounded && end.Before(slot) {
		return slot, nil, fmt.Errorf("the rate budget of %s (%g requests per second, of all workers) has no room "+
			"before the deadline: %w", b.budget.Prefix, b.budget.PerSecond, context.DeadlineExceeded)
	}
	b.slots = b.slots[1:]
	b.pace = b.pace*math.Exp(-now.Sub(b.paceAt).Seconds()) + 1
	b.paceAt = now
	return slot, nil, nil
}

func (b *sharedBucket) await(ctx context.Context, booking <-chan struct{}) error {
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.waiting--
	}()
	select {
	case <-booking:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// startTaking books slots unless that is under way, or has just failed. It needs the lock.
func (b *sharedBucket) startTaking(ctx context.Context) chan struct{} {
	if b.taking == nil && !time.Now().Before(b.alone) {
		b.taking = make(chan struct{})
		go b.take(context.WithoutCancel(ctx), b.taking)
	}
	return b.taking
}

// take books slots for the requests that wait, and for those that this process will soon send at its
// pace: so a request of a busy process costs no round trip, and an idle one holds nothing.
func (b *sharedBucket) take(ctx context.Context, done chan struct{}) {
	b.mu.Lock()
	owed := b.owed
	soon := int(b.pace * math.Exp(-time.Since(b.paceAt).Seconds()) * (b.rested / 2).Seconds())
	n := min(b.waiting+soon, max(b.budget.Burst/2, 1))
	if owed+n == 0 { // what waited has ended meanwhile
		n = 1
	}
	b.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, takeTimeout)
	defer cancel()
	first, err := b.shared.TakeBudget(ctx, b.console, b.budget.Prefix, owed+n, b.spacing, b.rested)
	now := time.Now()

	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.alone = now.Add(takePause)
	} else {
		b.owed -= owed
		for i := range n {
			b.slots = append(b.slots, now.Add(first+time.Duration(owed+i)*b.spacing))
		}
	}
	b.taking = nil
	close(done)
}

// sleepUntil returns at a time, or with the error of ctx where that ends first.
func sleepUntil(ctx context.Context, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	pause := time.NewTimer(time.Until(at))
	defer pause.Stop()
	select {
	case <-pause.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
