package activities

import (
	"sync"
	"time"

	"sentinelone-provisioner/internal/wire"
)

const (
	// acceptWithin is how long an attempt waits until the writer has taken the change. One that has not is looked at.
	acceptWithin = 10 * time.Second
	// patience is how long an attempt that may hold a slot of the worker waits, from its beginning. It leaves the
	// timeout of the activity (a minute) some time for an answer that is on its way.
	patience = 40 * time.Second
	// answerOnItsWay is how long an attempt waits for an answer that the writer has announced.
	answerOnItsWay = 10 * time.Second
	// patientAttempts is how many attempts of an activity may be patient. A change that takes longer, as while the
	// console is down, holds no slot.
	patientAttempts = 3
	// patientAtOnce is how many attempts are patient at once, unless the worker says otherwise.
	patientAtOnce = 250
)

// waitingRoom bounds how many attempts hold a slot of this worker while they wait for a writer, and knows which: they
// receive the answer themselves, so that the writer need not have them attempted again.
type waitingRoom struct {
	mu     sync.Mutex
	places int
	taken  map[wire.Waiter]*waitingPlace
}

// waitingPlace is one such attempt.
type waitingPlace struct {
	until     time.Time
	announced bool // the writer's answer reaches Temporal with the end of a workflow task
}

func newWaitingRoom(places int) *waitingRoom {
	return &waitingRoom{places: places, taken: map[wire.Waiter]*waitingPlace{}}
}

// enter takes a place until a time; nil if all are taken.
func (w *waitingRoom) enter(waiter wire.Waiter, until time.Time) *waitingPlace {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.taken) >= w.places {
		return nil
	}
	place := &waitingPlace{until: until}
	w.taken[waiter] = place // an earlier attempt of the same activity counts for nothing any more
	return place
}

// leave gives a place back. announced says that the answer is on its way: then the place is still taken.
func (w *waitingRoom) leave(waiter wire.Waiter, place *waitingPlace) (announced bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if place.announced {
		place.announced = false
		return true
	}
	if w.taken[waiter] == place {
		delete(w.taken, waiter)
	}
	return false
}

// announce says that an answer is on its way. It reports whether the attempt that waits for it is here.
func (w *waitingRoom) announce(waiter wire.Waiter) (here bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	place := w.taken[waiter]
	if place != nil {
		place.announced = true
	}
	return place != nil
}
