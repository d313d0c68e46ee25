package temporalclient

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/proxy"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"sentinelone-provisioner/internal/codec"
)

// KeyUse is what needs one payload key.
type KeyUse struct {
	Workflows []string // ids of running workflows, the one that began first comes first
	Oldest    time.Time
}

// KeysInUse is which payload keys the running workflows of a task queue need.
type KeysInUse struct {
	Keys map[string]KeyUse // by the id of the key
	// Plain are running workflows that have payloads which no key has encrypted.
	Plain int
	// Read are the histories that were read.
	Read int
}

// PayloadKeysInUse reads the histories of all running workflows on the task queue of the connection, which takes some
// milliseconds each, and calls progress after each. It decrypts nothing. A workflow that ends meanwhile is left out.
func (c *Connection) PayloadKeysInUse(ctx context.Context, progress func(read, all int)) (KeysInUse, error) {
	out := KeysInUse{Keys: map[string]KeyUse{}}
	running, err := c.runningOn(ctx)
	if err != nil {
		return out, err
	}
	slices.SortFunc(running, func(a, b *workflowpb.WorkflowExecutionInfo) int {
		return a.GetStartTime().AsTime().Compare(b.GetStartTime().AsTime())
	})
	for i, info := range running {
		keys, plain, err := c.keysOf(ctx, info.GetExecution())
		progress(i+1, len(running))
		if IsNotFound(err) {
			continue
		}
		if err != nil {
			return out, fmt.Errorf("read the history of %s: %w", info.GetExecution().GetWorkflowId(), c.Explain(err))
		}
		out.Read++
		if plain {
			out.Plain++
		}
		for id := range keys {
			use := out.Keys[id]
			if len(use.Workflows) == 0 {
				use.Oldest = info.GetStartTime().AsTime()
			}
			use.Workflows = append(use.Workflows, info.GetExecution().GetWorkflowId())
			out.Keys[id] = use
		}
	}
	return out, nil
}

// runningOn lists the running workflows of the task queue.
func (c *Connection) runningOn(ctx context.Context) (out []*workflowpb.WorkflowExecutionInfo, err error) {
	query := "ExecutionStatus = 'Running' AND TaskQueue = '" + strings.ReplaceAll(c.TaskQueue, "'", `\'`) + "'"
	for page := []byte(nil); ; {
		answer, err := c.WorkflowService().ListWorkflowExecutions(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: c.Options.Namespace, Query: query, NextPageToken: page,
		})
		if err != nil {
			return nil, fmt.Errorf("list the running workflows: %w", c.Explain(err))
		}
		out = append(out, answer.GetExecutions()...)
		if page = answer.GetNextPageToken(); len(page) == 0 {
			return out, nil
		}
	}
}

// keysOf reads which keys the history of a workflow and its pending activities need.
func (c *Connection) keysOf(
	ctx context.Context, of *commonpb.WorkflowExecution,
) (keys map[string]bool, plain bool, err error) {
	keys = map[string]bool{}
	look := func(m proto.Message) error {
		return proxy.VisitPayloads(ctx, m, proxy.VisitPayloadsOptions{
			SkipSearchAttributes: true,
			Visitor: func(_ *proxy.VisitPayloadsContext, all []*commonpb.Payload) ([]*commonpb.Payload, error) {
				for _, p := range all {
					if id, encrypted := codec.KeyOf(p); encrypted {
						keys[id] = true
					} else {
						plain = true
					}
				}
				return all, nil
			},
		})
	}
	is, err := c.WorkflowService().DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: c.Options.Namespace, Execution: of,
	})
	if err != nil {
		return nil, false, err
	}
	if err := look(is); err != nil {
		return nil, false, err
	}
	for page := []byte(nil); ; {
		answer, err := c.WorkflowService().GetWorkflowExecutionHistory(ctx,
			&workflowservice.GetWorkflowExecutionHistoryRequest{
				Namespace: c.Options.Namespace, Execution: of, NextPageToken: page,
			})
		if err != nil {
			return nil, false, err
		}
		if err := look(answer); err != nil {
			return nil, false, err
		}
		if page = answer.GetNextPageToken(); len(page) == 0 {
			return keys, plain, nil
		}
	}
}
