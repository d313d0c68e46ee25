package main

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUntil_Retries(t *testing.T) {
	t.Parallel()
	attempts := 0
	err := until(t.Context(), "start it", time.Minute, func(context.Context) error {
		if attempts++; attempts < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 3, attempts)
}

func TestUntil_ErrorHoldsTheLastError(t *testing.T) {
	t.Parallel()
	refuse := func(context.Context) error { return errors.New("refused") }
	err := until(t.Context(), "start it", time.Millisecond, refuse)
	require.EqualError(t, err, "start it: not within 1ms; the last answer: refused")
}

// If a part ends while the demo waits for another, the error must name the part that ended.
func TestUntil_ErrorHoldsTheCauseOfTheStop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	died := &failure{what: "the worker ended unexpectedly"}
	err := until(ctx, "start it", time.Minute, func(context.Context) error {
		cancel(died)
		return errors.New("refused")
	})
	require.ErrorIs(t, err, died)
}

func TestFreePort_AvoidsOneInUse(t *testing.T) {
	t.Parallel()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	busy := l.Addr().(*net.TCPAddr).Port

	got, err := freePort(t.Context(), busy)
	require.NoError(t, err)
	require.NotZero(t, got)
	require.NotEqual(t, busy, got)
}
