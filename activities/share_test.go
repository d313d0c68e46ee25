package activities

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/singleflight"
)

// Questions asked while a call is under way are answered by it, also when whoever asked
// first has gone; later ones, and other ones, are asked anew.
func TestShared(t *testing.T) {
	t.Parallel()
	var calls singleflight.Group
	asked, begun, proceed := 0, make(chan struct{}), make(chan struct{})
	slow := func(ctx context.Context) (int, error) {
		asked++
		close(begun)
		<-proceed
		return asked, ctx.Err()
	}
	first, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := shared(first, &calls, slow, "who", 1)
		left <- err
	}()
	<-begun
	leave()
	require.ErrorIs(t, <-left, context.Canceled)
	second := calls.DoChan(question("who", 1), func() (any, error) { return 0, errGone })
	close(proceed)
	got := <-second
	require.NoError(t, got.Err)
	require.Equal(t, 1, got.Val)

	again := func(context.Context) (int, error) { asked++; return asked, nil }
	for want, key := range []int{1, 2} {
		got, err := shared(t.Context(), &calls, again, "who", key)
		require.NoError(t, err)
		require.Equal(t, want+2, got)
	}
}

// A call that fails fails for all who asked, and is not kept.
func TestShared_Fails(t *testing.T) {
	t.Parallel()
	var calls singleflight.Group
	_, err := shared(t.Context(), &calls, func(context.Context) (int, error) { return 0, errGone }, "who")
	require.ErrorIs(t, err, errGone)
	got, err := shared(t.Context(), &calls, func(context.Context) (int, error) { return 7, nil }, "who")
	require.NoError(t, err)
	require.Equal(t, 7, got)
}

var errGone = errors.New("gone")
