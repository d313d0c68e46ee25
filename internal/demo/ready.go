package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
)

const (
	pollInterval = 100 * time.Millisecond
	// callLimit bounds one call, so that a server that accepts a connection and never
	// answers is tried again.
	callLimit = 5 * time.Second
)

// until repeats check until it returns nil. It gives up when the limit has passed or the
// context ends; its error then holds the last error of check.
func until(ctx context.Context, what string, limit time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not within %s", limit))
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		one, done := context.WithTimeout(ctx, callLimit)
		err := check(one)
		done()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w; the last answer: %w", what, context.Cause(ctx), err)
		case <-ticker.C:
		}
	}
}

// answers is a check for until: the URL answers 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		res, err := (&http.Client{Timeout: callLimit}).Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answered %s", url, res.Status)
		}
		return nil
	}
}

// temporalServer checks the state of a Temporal server.
type temporalServer struct{ client client.Client }

func newTemporalServer(address string) (*temporalServer, error) {
	c, err := client.NewLazyClient(client.Options{
		HostPort: address,
		Logger:   sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	return &temporalServer{client: c}, err
}

// serves is a check for until: the namespace exists.
func (t *temporalServer) serves(ctx context.Context) error {
	_, err := t.client.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: client.DefaultNamespace})
	return err
}

// polled is a check for until: a worker polls for workflow tasks and for activity tasks.
func (t *temporalServer) polled(taskQueue string) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, kind := range []enumspb.TaskQueueType{
			enumspb.TASK_QUEUE_TYPE_WORKFLOW, enumspb.TASK_QUEUE_TYPE_ACTIVITY,
		} {
			got, err := t.client.DescribeTaskQueue(ctx, taskQueue, kind)
			if err != nil {
				return err
			}
			if len(got.GetPollers()) == 0 {
				return fmt.Errorf("no worker polls task queue %s for %s tasks", taskQueue, kind)
			}
		}
		return nil
	}
}

// freePort returns a port of the loopback interface that no program listens on: the
// preferred one if it is free, else any.
func freePort(ctx context.Context, preferred int) (int, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(preferred)))
	if err != nil && preferred != 0 {
		return freePort(ctx, 0)
	}
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find a free port: %s has none", l.Addr())
	}
	return address.Port, nil
}
