package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/testbed"
)

// countEvents counts the events of a history and the started activities.
func countEvents(ctx context.Context, c client.Client, id string) (events, activities int, err error) {
	it := c.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		if err != nil {
			return 0, 0, err
		}
		events++
		if e.EventType == enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED {
			activities++
		}
	}
	return events, activities, nil
}

// metricsLimit is how long the server may take to send its metrics.
const metricsLimit = 10 * time.Second

// heartbeats returns the number of heartbeats that the server has recorded since its start,
// according to its metrics.
func (b *bench) heartbeats(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.temporal.Metrics+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := (&http.Client{Timeout: metricsLimit}).Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	total := 0.0
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		line := lines.Text()
		if !strings.HasPrefix(line, "service_requests{") || !strings.Contains(line, `"frontend"`) ||
			!strings.Contains(line, `operation="RecordActivityTaskHeartbeat"`) {
			continue
		}
		n, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("metrics of the Temporal server: %w", err)
		}
		total += n
	}
	return int(total), lines.Err()
}

// databaseTime finds in the worker's log the database time of a snapshot. The log has the total of
// the process after each snapshot, so it subtracts that of the snapshot before.
func databaseTime(output *testbed.Output, snapshot string) (time.Duration, error) {
	before := 0.0
	for line := range strings.Lines(output.String()) {
		var entry struct {
			Message  string  `json:"msg"`
			Snapshot string  `json:"snapshot"`
			Seconds  float64 `json:"database_seconds"`
		}
		if json.Unmarshal([]byte(line), &entry) != nil ||
			entry.Message != "Snapshot settled" && entry.Message != "Delta sync settled" {
			continue
		}
		if entry.Snapshot == snapshot {
			return time.Duration((entry.Seconds - before) * float64(time.Second)), nil
		}
		before = entry.Seconds
	}
	return 0, fmt.Errorf("the worker's log has no database time of snapshot %s", snapshot)
}
