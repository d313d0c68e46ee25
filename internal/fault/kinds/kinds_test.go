package kinds_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/fault/kinds"
)

// A wrapped or joined error keeps its kind, its message and its cause.
func TestOf(t *testing.T) {
	t.Parallel()
	cause := errors.New("last role")
	err := fmt.Errorf("apply: %w", errors.Join(errors.New("other"), kinds.New(kinds.Refused, cause)))
	require.Equal(t, kinds.Refused, kinds.Of(err))
	require.ErrorIs(t, err, cause)
	require.EqualError(t, kinds.New(kinds.Refused, cause), "last role")
	require.Empty(t, kinds.Of(cause))
	require.Empty(t, kinds.Of(nil))
}

func TestRetryDelay(t *testing.T) {
	t.Parallel()
	err := kinds.RetryIn(kinds.New(kinds.Unavailable, errors.New("page 3")), time.Minute)
	require.Equal(t, time.Minute, kinds.RetryDelay(fmt.Errorf("drain: %w", err)))
	require.Equal(t, kinds.Unavailable, kinds.Of(err))
	require.EqualError(t, err, "page 3")
	require.Zero(t, kinds.RetryDelay(errors.New("page 3")))
}

func TestKind_Final(t *testing.T) {
	t.Parallel()
	for kind, final := range map[kinds.Kind]bool{
		kinds.Invalid: true, kinds.Unauthenticated: true, kinds.Forbidden: true, kinds.NotFound: true,
		kinds.Conflict: true, kinds.ReadOnly: true, kinds.Refused: true,
		kinds.RateLimited: false, kinds.Unavailable: false, "": false, "Other": false,
	} {
		require.Equal(t, final, kind.Final(), kind)
		require.Equal(t, kind != "" && kind != "Other", kind.Known(), kind)
	}
}
