package sync

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// proof says whether a walk saw every row of a collection.
type proof struct {
	expected *int   // the console's newest count
	doubt    string // "" when proven
}

// prove holds the distinct rows received against two counts of the console's
// that were taken apart from each other: the total every page repeats, and the
// one from before the walk. Where those disagree, or one is missing, the console
// is asked once more with countOnly. A total that moved during the walk is doubt
// in itself: rows may have shifted between pages, and a row added may hide a row
// missed.
func (s *Activities) prove(ctx context.Context, in wire.SyncDrainInput, sum store.DrainSummary) (proof, error) {
	last := sum.LastTotal
	if sum.TotalsMoved {
		return proof{last, fmt.Sprintf("the console's count of %s moved from %s to %s while they were read",
			in.Collection, countText(sum.FirstTotal), countText(last))}, nil
	}
	if agree(last, in.Expected) {
		return judge(in, sum, last), nil
	}
	counted, err := s.console.Count(ctx, in.Collection)
	if last == nil && isMalformed(err) {
		return proof{nil, fmt.Sprintf("the console gives no count of %s to hold the rows against", in.Collection)}, nil
	}
	if err != nil {
		return proof{}, err
	}
	if last != nil && *last != counted {
		return proof{&counted, fmt.Sprintf("the console's pages count %d %s, but asked alone it counts %d",
			*last, in.Collection, counted)}, nil
	}
	return judge(in, sum, &counted), nil
}

func judge(in wire.SyncDrainInput, sum store.DrainSummary, expected *int) proof {
	if sum.Distinct == *expected {
		return proof{expected: expected}
	}
	return proof{expected, fmt.Sprintf("%d different %s were received where the console counts %d",
		sum.Distinct, in.Collection, *expected)}
}

// isMalformed says that the console answered, but not with a count.
func isMalformed(err error) bool {
	answer, ok := errors.AsType[*console.Error](err)
	return ok && answer.Kind == console.KindMalformed
}

func agree(a, b *int) bool { return a != nil && b != nil && *a == *b }

func countText(n *int) string {
	if n == nil {
		return "none"
	}
	return fmt.Sprint(*n)
}
