package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
)

// bareLoop reads every collection to its end, concurrently, and discards the rows. It returns the
// time that this took and the number of rows.
func bareLoop(ctx context.Context, baseURL, token string) (time.Duration, int, error) {
	// A new client, so that the budgets are full at the start, like those of the worker.
	c, err := console.New(console.Config{BaseURL: baseURL, Token: console.StaticToken(token), UserAgent: "bench"})
	if err != nil {
		return 0, 0, err
	}
	counts := make([]int, len(access.Collections()))
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for i, collection := range access.Collections() {
		group.Go(func() (err error) {
			counts[i], err = drainCollection(ctx, c, collection)
			return err
		})
	}
	err = group.Wait()
	took := time.Since(began)
	total := 0
	for _, n := range counts {
		total += n
	}
	return took, total, err
}

func drainCollection(ctx context.Context, c *console.Client, collection access.Collection) (int, error) {
	switch collection {
	case access.Accounts:
		return drain(ctx, c.Accounts)
	case access.Sites:
		return drain(ctx, c.Sites)
	case access.Roles:
		return drain(ctx, c.Roles)
	case access.Users:
		return drain(ctx, c.Users)
	case access.ServiceUsers:
		return drain(ctx, c.ServiceUsers)
	}
	return 0, fmt.Errorf("unknown collection %q", collection)
}

func drain[T any](
	ctx context.Context, list func(context.Context, console.ListOptions) (console.Page[T], error),
) (int, error) {
	n, cursor := 0, ""
	for {
		page, err := list(ctx, console.ListOptions{Cursor: cursor})
		if err != nil {
			return n, err
		}
		n += len(page.Items)
		if cursor = page.Next; cursor == "" {
			return n, nil
		}
	}
}
