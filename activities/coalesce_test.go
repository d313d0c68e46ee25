package activities

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A caller that comes while a read runs does not get its answer, which may be older than the caller: all that come
// meanwhile share the read that follows.
func TestCoalesce_NoAnswerOlderThanItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			c     coalescer
			reads int
		)
		inConsole := "before"
		slow := func(context.Context) (string, error) {
			reads++
			seen := inConsole
			time.Sleep(time.Second)
			return seen, nil
		}
		answers := make(chan string, 4)
		call := func() {
			got, _ := coalesce(t.Context(), &c, slow, "roles")
			answers <- got
		}
		go call()
		synctest.Wait()
		inConsole = "after"
		for range 3 {
			go call()
		}
		require.Equal(t, "before", <-answers)
		for range 3 {
			require.Equal(t, "after", <-answers)
		}
		require.Equal(t, 2, reads)
		require.Empty(t, c.queued, "results are not cached")
	})
}

// A read continues when its first caller gives up; the read that follows does too.
func TestCoalesce_CallerGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c coalescer
		slow := func(ctx context.Context) (int, error) {
			time.Sleep(time.Second)
			return 7, ctx.Err()
		}
		go func() { _, _ = coalesce(t.Context(), &c, slow, "who", 1) }()
		synctest.Wait()
		giveUp, cancel := context.WithCancel(t.Context())
		left, got := make(chan error), make(chan int)
		go func() {
			_, err := coalesce(giveUp, &c, slow, "who", 1)
			left <- err
		}()
		synctest.Wait()
		go func() {
			out, _ := coalesce(t.Context(), &c, func(context.Context) (int, error) { return 0, errGone }, "who", 1)
			got <- out
		}()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-left, context.Canceled)
		require.Equal(t, 7, <-got, "the read that the first caller queued")
	})
}

// Reads of other keys are read on their own.
func TestCoalesce_OtherKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c coalescer
		go func() {
			_, _ = coalesce(t.Context(), &c, func(context.Context) (int, error) {
				time.Sleep(time.Hour)
				return 1, nil
			}, "who", 1)
		}()
		synctest.Wait()
		began := time.Now()
		got, err := coalesce(t.Context(), &c, func(context.Context) (int, error) { return 2, nil }, "who", 2)
		require.NoError(t, err)
		require.Equal(t, 2, got)
		require.Equal(t, began, time.Now())
		time.Sleep(time.Hour)
	})
}

// A read that fails fails for all its callers, and its error is not cached.
func TestCoalesce_Fails(t *testing.T) {
	t.Parallel()
	var c coalescer
	_, err := coalesce(t.Context(), &c, func(context.Context) (int, error) { return 0, errGone }, "who")
	require.ErrorIs(t, err, errGone)
	got, err := coalesce(t.Context(), &c, func(context.Context) (int, error) { return 7, nil }, "who")
	require.NoError(t, err)
	require.Equal(t, 7, got)
}

var errGone = errors.New("gone")
