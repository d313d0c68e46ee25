package activities

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
)

// read looks at the principal. One that is gone holds nothing. Once something was
// sent, a read that fails is waited out: what was sent may have arrived.
func (w *changeAttempt) read(ctx context.Context) (access.Read, error) {
	return w.readFrom(ctx, w.console.Principal)
}

// readBack is read after a write. While the rate budget is spent, the attempts that wait for it are read together; what
// ends access does not wait. A list that lags behind does no harm: it does not show the write, and the next attempt
// begins with a read of its own.
func (w *changeAttempt) readBack(ctx context.Context) (access.Read, error) {
	if endsAccess(w.in.Change.Change.Op) {
		return w.read(ctx)
	}
	return w.readFrom(ctx, w.people.find)
}

func (w *changeAttempt) readFrom(
	ctx context.Context, find func(context.Context, access.Kind, string) (access.Principal, error),
) (access.Read, error) {
	p, err := find(ctx, w.in.Writer.Kind, w.in.Writer.ID)
	out := access.Read{At: w.now().UTC(), Holdings: p.Holdings(), Gone: isNotFound(err)}
	switch {
	case out.Gone:
	case err != nil && len(w.writes) > 0:
		return out, kinds.New(kinds.Unavailable, err)
	case err != nil:
		return out, err
	}
	w.last, out = p, out.About(w.in.Change.Change.Holdings())
	w.reads = append(w.reads, out)
	return out, nil
}
