package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// ledgerOfSlots is a shared budget in memory, as the store keeps it.
type ledgerOfSlots struct {
	mu       sync.Mutex
	next     time.Time
	bookings int
	booked   int
	err      error
	hang     bool
}

func (l *ledgerOfSlots) TakeBudget(
	ctx context.Context, _, _ string, n int, spacing, rested time.Duration,
) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bookings++
	if l.hang {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	if l.err != nil {
		return 0, l.err
	}
	now := time.Now()
	if earliest := now.Add(-rested); l.next.Before(earliest) {
		l.next = earliest
	}
	first := l.next.Sub(now)
	l.next = l.next.Add(time.Duration(n) * spacing)
	l.booked += n
	return first, nil
}

// fleet is some processes that ask one console, and when their requests arrive there.
type fleet struct {
	clients []*Client
	shared  *ledgerOfSlots

	mu      sync.Mutex
	arrived []time.Time
}

func newFleet(t *testing.T, n int) *fleet {
	t.Helper()
	f := &fleet{shared: &ledgerOfSlots{}}
	for range n {
		c, err := New(Config{
			BaseURL: exampleURL, Token: StaticToken(testToken),
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.arrived = append(f.arrived, time.Now())
				body := io.NopCloser(strings.NewReader(success))
				return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
			}),
		})
		require.NoError(t, err)
		c.ShareBudgets(f.shared)
		f.clients = append(f.clients, c)
	}
	return f
}

// ask has each process send so many requests at once.
func (f *fleet) ask(t *testing.T, n int) {
	t.Helper()
	var all sync.WaitGroup
	for _, c := range f.clients {
		for range n {
			all.Go(func() { _, _ = c.ServiceUsers(t.Context(), ListOptions{}) })
		}
	}
	all.Wait()
}

// requireWithin fails where more requests arrived in any span of time than the rate and the burst allow.
func (f *fleet) requireWithin(t *testing.T, perSecond float64, burst int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.SortFunc(f.arrived, time.Time.Compare)
	for i, from := range f.arrived {
		for j := i; j < len(f.arrived); j++ {
			span := f.arrived[j].Sub(from).Seconds()
			require.LessOrEqual(t, float64(j-i+1), perSecond*span+float64(burst)+0.3, "from request %d to %d", i, j)
		}
	}
}

// Three processes, each with more to ask than the budget has, ask together what one may: any span of
// time has at most the burst and the rate. They book several requests at once.
func TestSharedBudget_ThreeProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 3)
		began := time.Now()
		f.ask(t, 60)
		require.Len(t, f.arrived, 180)
		f.requireWithin(t, 5, 10)
		require.InDelta(t, (180-10)/5., time.Since(began).Seconds(), 2, "nor less than they may")
		require.Less(t, f.shared.bookings, 70, "of 180 requests")
		time.Sleep(time.Minute)
		f.arrived = nil
		f.ask(t, 8)
		f.requireWithin(t, 5, 10)
	})
}

// A process that asks now and then holds nothing that others could use: its slots end.
func TestSharedBudget_UnusedSlotsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 2)
		for range 30 {
			_, _ = f.clients[0].ServiceUsers(t.Context(), ListOptions{})
			_, _ = f.clients[1].ServiceUsers(t.Context(), ListOptions{})
			time.Sleep(150 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		for range 20 {
			for _, c := range f.clients {
				_, _ = c.ServiceUsers(t.Context(), ListOptions{})
			}
		}
		f.requireWithin(t, 5, 10)
	})
}

// An urgent request is sent at once, whatever is booked and also where the database hangs, and the others
// give way to it afterwards.
func TestSharedBudget_Urgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 2)
		start := time.Now()
		remove := func(ctx context.Context, c *Client) { require.NoError(t, c.DeleteServiceUser(ctx, "17")) }
		for range 10 {
			remove(t.Context(), f.clients[0])
		}
		require.Less(t, time.Since(start), 100*time.Millisecond)
		now := time.Now()
		for range 5 {
			remove(Urgent(t.Context()), f.clients[1])
		}
		require.Zero(t, time.Since(now))
		synctest.Wait()
		require.GreaterOrEqual(t, f.shared.booked, 15, "they are booked, though nobody waits")
		remove(t.Context(), f.clients[1])
		require.GreaterOrEqual(t, time.Since(start), time.Second, "five were owed, at 5 a second")
		f.shared.hang = true
		now = time.Now()
		remove(Urgent(t.Context()), f.clients[0])
		require.Zero(t, time.Since(now))
		time.Sleep(takeTimeout) // until the last booking has given up
	})
}

// Where the database fails, or does not answer, a process spends what it would have alone, and comes
// back to the shared budget afterwards.
func TestSharedBudget_FailsOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 1)
		f.shared.err = errors.New("the database is down")
		start := time.Now()
		for range 10 {
			_, _ = f.clients[0].ServiceUsers(t.Context(), ListOptions{})
		}
		require.Zero(t, time.Since(start))
		require.Equal(t, 1, f.shared.bookings, "it is not asked again at once")
		f.shared.err, f.shared.hang = nil, true
		time.Sleep(time.Minute)
		start = time.Now()
		_, _ = f.clients[0].ServiceUsers(t.Context(), ListOptions{})
		require.Equal(t, takeTimeout, time.Since(start))
		f.shared.hang = false
		time.Sleep(time.Minute)
		_, _ = f.clients[0].ServiceUsers(t.Context(), ListOptions{})
		require.Positive(t, f.shared.booked)
	})
}

// A request whose deadline is before its slot fails at once, and the slot is another's.
func TestSharedBudget_Deadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 1)
		for range 10 {
			_, _ = f.clients[0].ServiceUsers(t.Context(), ListOptions{})
		}
		start := time.Now()
		hurried, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := f.clients[0].ServiceUsers(hurried, ListOptions{})
		require.ErrorContains(t, err, "budget of /service-users (5 requests per second, of all workers) has no room")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, time.Since(start))
		_, _ = f.clients[0].ServiceUsers(t.Context(), ListOptions{})
		require.LessOrEqual(t, time.Since(start), 210*time.Millisecond)
	})
}
