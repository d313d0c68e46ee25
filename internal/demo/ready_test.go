package main

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUntil_AsksAgain(t *testing.T) {
	t.Parallel()
	asked := 0
	err := until(t.Context(), "start it", time.Minute, func(context.Context) error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 3, asked)
}

func TestUntil_TellsTheLastAnswer(t *testing.T) {
	t.Parallel()
	refuse := func(context.Context) error { return errors.New("refused") }
	err := until(t.Context(), "start it", time.Millisecond, refuse)
	require.EqualError(t, err, "start it: not within 1ms; the last answer: refused")
}

// A part that dies while another is awaited is the reason people must see.
func TestUntil_TellsWhyItWasStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	died := &failure{what: "the worker ended by itself"}
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
