package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// The worker goes on after a first failure, and finds out when the server has lost its search attributes. It logs
// each reason once.
func TestSearchAttributes_AreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		var a searchAttributes
		ctx, stop := context.WithCancel(t.Context())
		missing, err, calls := []string{"SentinelOneState"}, errors.New("not permitted"), 0
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			a.keep(ctx, slog.New(slog.NewTextHandler(&logged, nil)), func(context.Context) ([]string, error) {
				calls++
				if err != nil {
					return missing, err
				}
				names := missing
				missing = nil
				return names, nil
			})
		}()
		wait := func(d time.Duration, usable bool) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			require.Equal(t, usable, a.usable.Load())
		}
		wait(time.Hour, false)
		require.Equal(t, 1, strings.Count(logged.String(), "not permitted"), logged.String())
		require.Less(t, calls, 30, "once in five minutes")
		err = nil
		wait(attributesRetryMax+settleTime, true)
		missing = []string{"SentinelOneState"} // the server is new
		wait(attributesEvery, false)
		wait(settleTime, true)
		err, missing = errors.New("unreachable"), nil
		wait(attributesEvery, true) // nobody says that they are gone
		require.Contains(t, logged.String(), "unreachable")
		stop()
		<-ended
	})
}
