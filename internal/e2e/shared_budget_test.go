package e2e

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// Three workers on one PostgreSQL database ask a console, which enforces the published rates, as often as
// one may. Without the shared budget, two of three requests are too many.
func TestSharedBudget_ThreeWorkersWithinThePublishedRate(t *testing.T) {
	t.Parallel()
	server := consoletest.Start(t, consoletest.Options{EnforceRates: true})
	url := pgtest.URL(t)
	var all sync.WaitGroup
	const most, each = 40, 15 // requests: a quarter of them without waiting
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := time.Now()
	for range 3 {
		db, err := store.Open(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		c, err := console.New(console.Config{BaseURL: server.URL, Token: console.StaticToken(server.Token())})
		require.NoError(t, err)
		c.ShareBudgets(db)
		for range each {
			all.Go(func() {
				for ctx.Err() == nil {
					_, err := c.ServiceUsers(ctx, console.ListOptions{Limit: 1})
					var answer *console.Error
					if err != nil && errors.As(err, &answer) && answer.Status != 0 {
						require.Equal(t, http.StatusTooManyRequests, answer.Status)
					}
				}
			})
		}
	}
	require.Eventually(t, func() bool { return len(server.Requests()) >= most }, limit, 50*time.Millisecond,
		"the budget is used")
	cancel()
	all.Wait()
	during := time.Since(began)
	tooMany, sent := 0, 0
	for _, r := range server.Requests() {
		sent++
		if r.Status == http.StatusTooManyRequests {
			tooMany++
		}
	}
	// A response that is late makes the next request come early by as much: the console counts arrivals.
	require.LessOrEqual(t, tooMany, 2, "of %d requests", sent)
	require.LessOrEqual(t, sent, 10+int(during.Seconds()*5)+2)
}

// Worker processes on PostgreSQL share, and say so only where they cannot.
func TestSharedBudget_WorkersUseIt(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{EnforceRates: true})
	s.database = pgtest.URL(t)
	s.startWorker()
	second, err := testbed.StartProcess(s.workerOutput, s.env(), programs.Worker)
	require.NoError(t, err)
	t.Cleanup(second.Kill)
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(), readyText, 2))
	require.Equal(t, wire.StatePromoted, s.runSync("").State)
	require.NotContains(t, s.workerOutput.String(), "Rate budgets are not shared now")
	db, err := store.Open(s.ctx(), s.database)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	first, err := db.TakeBudget(s.ctx(), s.consoleKey(), "/service-users", 1, time.Hour, 24*time.Hour)
	require.NoError(t, err)
	require.Greater(t, first, -24*time.Hour, "the workers have booked")
}
