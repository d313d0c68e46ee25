package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/telemetry"
	"sentinelone-provisioner/internal/wire"
)

const (
	// readyFor is how long an answer to /readyz is kept, so that whoever asks often costs Temporal and the database
	// little.
	readyFor = 3 * time.Second
	// probeTimeout bounds each part of an answer.
	probeTimeout = 2 * time.Second
)

// temporalProbe is the part of a Temporal client that /readyz asks.
type temporalProbe interface {
	CheckHealth(ctx context.Context, r *client.CheckHealthRequest) (*client.CheckHealthResponse, error)
	DescribeTaskQueue(
		ctx context.Context, queue string, kind enumspb.TaskQueueType,
	) (*workflowservice.DescribeTaskQueueResponse, error)
}

// health answers /healthz, /readyz and /status. Nothing of it holds up the worker.
type health struct {
	console, queue string
	db             atomic.Pointer[store.Store]
	polling        atomic.Pointer[temporalProbe] // set once the worker polls
	now            func() time.Time

	mu    sync.Mutex
	at    time.Time
	ready readiness
}

// readiness is the answer to /readyz.
type readiness struct {
	Ready  bool         `json:"ready"`
	Checks []readyCheck `json:"checks"`
}

type readyCheck struct {
	Name   string `json:"name"` // temporal, pollers or database
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// serveHealth serves it beside the metrics, which may be nil.
func serveHealth(m *telemetry.Metrics, queue string) *health {
	h := &health{queue: queue, now: time.Now}
	if m == nil {
		return h
	}
	h.console = m.Console
	m.Handle("GET /healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]bool{"alive": true})
	}))
	m.Handle("GET /readyz", http.HandlerFunc(h.serveReady))
	m.Handle("GET /status", http.HandlerFunc(h.serveStatus))
	return h
}

// opened says that the database can be read.
func (h *health) opened(db *store.Store) { h.db.Store(db) }

// polls says that the worker polls Temporal through c.
func (h *health) polls(c temporalProbe) { h.polling.Store(&c) }

// stops says that the worker takes no more tasks.
func (h *health) stops() { h.polling.Store(nil) }

func answer(w http.ResponseWriter, status int, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "cannot write the answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(describe.JSON(text), '\n')) // the client has disconnected
}

// serveStatus answers with the report of `starter status -o json`, judged now.
func (h *health) serveStatus(w http.ResponseWriter, r *http.Request) {
	report, err := h.status(r.Context())
	if err != nil {
		answer(w, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
		return
	}
	answer(w, http.StatusOK, report)
}

func (h *health) status(ctx context.Context) (connection.Report, error) {
	db := h.db.Load()
	if db == nil {
		return connection.Report{}, errors.New("the database is not open yet: try again")
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	kept, err := db.ConnectionCheck(ctx, h.console)
	if err != nil {
		return connection.Report{}, err
	}
	evidence, err := connection.ReadEvidence(kept)
	if err != nil || evidence == nil {
		return connection.Unchecked(h.console, "no check is on record yet", h.now()), err
	}
	return connection.Judge(*evidence, h.now()), nil
}

func (h *health) serveReady(w http.ResponseWriter, r *http.Request) {
	got := h.readiness(r.Context())
	status := http.StatusOK
	if !got.Ready {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, got)
}

// readiness says whether the worker can take work, as of a few seconds ago at most.
func (h *health) readiness(ctx context.Context) readiness {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.now(); h.at.IsZero() || now.Sub(h.at) >= readyFor {
		ctx = context.WithoutCancel(ctx) // the answer is for others too
		h.at, h.ready = now, readiness{Ready: true}
		for _, c := range []readyCheck{h.checkTemporal(ctx), h.checkPollers(ctx), h.checkDatabase(ctx)} {
			h.ready.Checks = append(h.ready.Checks, c)
			h.ready.Ready = h.ready.Ready && c.OK
		}
	}
	return h.ready
}

const notPolling = "the worker has not begun to poll, or is stopping"

func checked(name, well string, err error) readyCheck {
	if err != nil {
		return readyCheck{Name: name, Detail: describe.Text(err.Error())}
	}
	return readyCheck{Name: name, OK: true, Detail: well}
}

func (h *health) checkTemporal(ctx context.Context) readyCheck {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := errors.New(notPolling)
	if c := h.polling.Load(); c != nil {
		_, err = (*c).CheckHealth(ctx, &client.CheckHealthRequest{})
	}
	return checked("temporal", "answers", err)
}

// checkPollers asks whether Temporal has pollers for all tasks of this worker.
func (h *health) checkPollers(ctx context.Context) readyCheck {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := errors.New(notPolling)
	if c := h.polling.Load(); c != nil {
		err = nil
		for _, q := range []struct {
			queue string
			kind  enumspb.TaskQueueType
		}{
			{h.queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW},
			{h.queue, enumspb.TASK_QUEUE_TYPE_ACTIVITY},
			{wire.WriteQueue(h.queue), enumspb.TASK_QUEUE_TYPE_ACTIVITY},
		} {
			err = errors.Join(err, hasPollers(ctx, *c, q.queue, q.kind))
		}
	}
	return checked("pollers", "poll both task queues", err)
}

func hasPollers(ctx context.Context, c temporalProbe, queue string, kind enumspb.TaskQueueType) error {
	got, err := c.DescribeTaskQueue(ctx, queue, kind)
	switch {
	case err != nil:
		return fmt.Errorf("cannot list the pollers of task queue %q: %w", queue, err)
	case len(got.GetPollers()) == 0:
		return fmt.Errorf("no poller of task queue %q for %s tasks", queue, kind)
	}
	return nil
}

func (h *health) checkDatabase(ctx context.Context) readyCheck {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := errors.New("it is not open yet")
	if db := h.db.Load(); db != nil {
		err = db.Ping(ctx)
	}
	return checked("database", "answers", err)
}
