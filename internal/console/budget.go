package console

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/time/rate"
)

// Budget limits the requests for paths under a prefix, per API token.
type Budget struct {
	// Prefix is a path relative to the API, such as "/users". It covers that path and all
	// paths below it; the longest prefix that covers a path applies.
	Prefix string
	// PerSecond is the steady rate, in requests per second; above 0.
	PerSecond float64
	// Burst is how many requests may go out at once after a pause; at least 1.
	Burst int
}

// PublishedBudgets returns the vendor's rates for the paths that this package uses. Source:
// the transcript in the build partners' Go SDK (ratelimit.go of
// s1buildpartners/sentinelone-go-sdk). A path that is not in the table, such as
// /system/info, has no budget. A console may be stricter: expect status 429 anyway.
func PublishedBudgets() []Budget {
	return []Budget{
		{Prefix: "/accounts", PerSecond: 100, Burst: 10},
		{Prefix: "/sites", PerSecond: 100, Burst: 10},
		{Prefix: "/rbac", PerSecond: 50, Burst: 100},
		{Prefix: "/users", PerSecond: 40, Burst: 80},
		{Prefix: "/user", PerSecond: 2, Burst: 5},
		{Prefix: "/service-users", PerSecond: 5, Burst: 10},
		{Prefix: activitiesPath, PerSecond: 10, Burst: 30},
	}
}

type limiter struct {
	budget Budget
	bucket *rate.Limiter // what this process has alone
	shared *sharedBucket // nil: nothing is shared
}

type limiters []limiter

func newLimiters(budgets []Budget) (limiters, error) {
	var (
		out    limiters
		faults []error
	)
	for _, b := range budgets {
		if !strings.HasPrefix(b.Prefix, "/") || b.PerSecond <= 0 || b.Burst < 1 {
			faults = append(faults, fmt.Errorf("the rate budget for %q needs a prefix that starts with /, "+
				"more than 0 requests per second and a burst of at least 1", b.Prefix))
			continue
		}
		out = append(out, limiter{budget: b, bucket: rate.NewLimiter(rate.Limit(b.PerSecond), b.Burst)})
	}
	return out, errors.Join(faults...)
}

// find returns the limiter with the longest prefix that covers path, by whole
// segments: /users is not under /user.
func (ls limiters) find(path string) (limiter, bool) {
	var (
		best  limiter
		found bool
	)
	for _, l := range ls {
		if under(path, l.budget.Prefix) && len(l.budget.Prefix) > len(best.budget.Prefix) {
			best, found = l, true
		}
	}
	return best, found
}

type urgentKey struct{}

// Urgent returns a context whose requests do not wait for the rate budget. They still count:
// the budget goes into debt, and other requests wait until it is refilled. Use it for
// revokes, which a long sync must never delay.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

// wait returns when the path may be requested, or an error when ctx ends before that.
func (ls limiters) wait(ctx context.Context, path string) error {
	l, found := ls.find(path)
	if !found {
		return nil
	}
	if ctx.Value(urgentKey{}) != nil {
		if err := ctx.Err(); err != nil { // no request follows, so none is counted
			return err
		}
		l.bucket.Reserve()
		if l.shared != nil {
			l.shared.urgent(ctx)
		}
		return nil
	}
	if l.shared != nil {
		return l.shared.wait(ctx)
	}
	return l.waitAlone(ctx)
}

// waitAlone waits for the budget that this process has for itself.
func (l limiter) waitAlone(ctx context.Context) error {
	if err := l.bucket.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the rate budget of %s (%g requests per second) has no room before the deadline: %w",
			l.budget.Prefix, l.budget.PerSecond, context.DeadlineExceeded)
	}
	return nil
}
