package activities

import (
	"context"
	"fmt"

	"golang.org/x/sync/singleflight"
)

// shared answers the same question, asked several times at once, with one call: many
// plans that are made at the same moment ask for the same roles and the same people.
// Nothing is kept: whoever asks later asks anew, so an answer is never older than the
// call that was under way. What it returns belongs to all who asked: do not change it.
//
// The call goes on when one of them stops waiting, since others may need it.
func shared[T any](
	ctx context.Context, calls *singleflight.Group, ask func(context.Context) (T, error), key ...any,
) (T, error) {
	answer := calls.DoChan(question(key...), func() (any, error) {
		return ask(context.WithoutCancel(ctx))
	})
	select {
	case got := <-answer:
		out, _ := got.Val.(T)
		return out, got.Err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// question is the same text for the same key only.
func question(key ...any) string { return fmt.Sprintf("%q", key) }
