package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"sentinelone-provisioner/internal/access"
)

// seen is what the adversary has learned from the histories of workflows: payloads by the
// name of what they are for, and every value by the name of its field.
type seen struct {
	mu       sync.Mutex
	payloads map[string][]json.RawMessage
	fields   map[string][]any
	read     map[string]int64 // last event, by run
}

func newSeen() *seen {
	return &seen{payloads: map[string][]json.RawMessage{}, fields: map[string][]any{}, read: map[string]int64{}}
}

const keepSeen = 300 // payloads and values of a name

func (s *seen) add(name string, in *common.Payloads) {
	for _, p := range in.GetPayloads() {
		var value any
		if json.Unmarshal(p.GetData(), &value) != nil || value == nil {
			continue
		}
		s.mu.Lock()
		if all := s.payloads[name]; len(all) < keepSeen {
			s.payloads[name] = append(all, p.GetData())
		}
		s.learn(value)
		s.mu.Unlock()
	}
}

// learn keeps each field's value by the field's name.
func (s *seen) learn(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, field := range v {
			if all := s.fields[name]; len(all) < keepSeen {
				s.fields[name] = append(all, field)
			}
			s.learn(field)
		}
	case []any:
		for _, each := range v {
			s.learn(each)
		}
	}
}

// event learns from one event of a history.
func (s *seen) event(e *historypb.HistoryEvent, kind string, scheduled map[int64]string) {
	switch e.GetEventType() {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
		s.add("start "+kind, e.GetWorkflowExecutionStartedEventAttributes().GetInput())
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		s.add("result "+kind, e.GetWorkflowExecutionCompletedEventAttributes().GetResult())
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
		in := e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput()
		s.add("update "+in.GetName(), in.GetArgs())
	case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		a := e.GetActivityTaskScheduledEventAttributes()
		scheduled[e.GetEventId()] = a.GetActivityType().GetName()
		s.add("activity "+a.GetActivityType().GetName(), a.GetInput())
	case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		a := e.GetActivityTaskCompletedEventAttributes()
		s.add("done "+scheduled[a.GetScheduledEventId()], a.GetResult())
	default:
	}
}

// one is a payload that was seen under one of the names with that prefix, and its name; ""
// if there is none. Mostly it is changed.
func (s *seen) one(chance *rand.Rand, prefix string) (name string, out json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, n := range slices.Sorted(maps.Keys(s.payloads)) {
		if strings.HasPrefix(n, prefix) {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return "", nil
	}
	name = names[chance.IntN(len(names))]
	all := s.payloads[name]
	out = all[chance.IntN(len(all))]
	if chance.IntN(4) > 0 {
		out = s.mutated(chance, out)
	}
	return strings.TrimPrefix(name, prefix), out
}

// mutated changes up to four fields: to another value that was seen under the same name, to
// an operation, to a time, to nothing.
func (s *seen) mutated(chance *rand.Rand, in json.RawMessage) json.RawMessage {
	var value any
	if json.Unmarshal(in, &value) != nil {
		return in
	}
	for range 1 + chance.IntN(4) {
		s.mutate(chance, value)
	}
	out, err := json.Marshal(value)
	if err != nil {
		return in
	}
	return out
}

func (s *seen) mutate(chance *rand.Rand, value any) {
	switch v := value.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(v))
		if len(names) == 0 {
			return
		}
		name := names[chance.IntN(len(names))]
		if nested := v[name]; chance.IntN(3) > 0 && isNested(nested) {
			s.mutate(chance, nested)
			return
		}
		v[name] = s.another(chance, name, v[name])
	case []any:
		if len(v) > 0 {
			s.mutate(chance, v[chance.IntN(len(v))])
		}
	}
}

func isNested(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// another is another value for a field.
func (s *seen) another(chance *rand.Rand, name string, is any) any {
	ops := []access.Op{
		access.OpGrant, access.OpAcquire, access.OpRelease, access.OpRevoke, access.OpReset, access.OpDelete,
		access.OpCreate,
	}
	switch n := chance.IntN(10); {
	case name == "op":
		return ops[chance.IntN(len(ops))]
	case name == "lastRole":
		return []string{"delete", "downgrade", "stop"}[chance.IntN(3)]
	case n == 0:
		return nil
	case n == 1 && len(s.fields["runId"])+len(s.fields["run"]) > 0:
		all := append(slices.Clone(s.fields["run"]), s.fields["runId"]...)
		return all[chance.IntN(len(all))]
	case n == 2:
		if text, ok := is.(string); ok {
			if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
				return at.Add(time.Duration(chance.IntN(7)-3) * time.Hour)
			}
		}
	case n == 3:
		if number, ok := is.(float64); ok {
			return number + float64(chance.IntN(3)-1)
		}
	}
	if all := s.fields[name]; len(all) > 0 {
		return all[chance.IntN(len(all))]
	}
	return is
}

// execution is a workflow that the adversary knows.
type execution struct {
	id, run, kind string
	open          bool
}

// known lists the workflows of the stack and of the adversary, by Temporal's own list.
func (w *walk) known(ctx context.Context) (out []execution) {
	got, err := w.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: 500,
		Query:    "TaskQueue IN ('" + w.signedEnv.queue + "', '" + w.queue + "')",
	})
	if err != nil {
		w.deeds.note("cannot list workflows: %v", err)
		return nil
	}
	for _, x := range got.GetExecutions() {
		out = append(out, execution{
			id: x.GetExecution().GetWorkflowId(), run: x.GetExecution().GetRunId(), kind: x.GetType().GetName(),
			open: x.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		})
	}
	return out
}

func (w *walk) running(ctx context.Context) (out []execution) {
	return slices.DeleteFunc(w.known(ctx), func(x execution) bool { return !x.open })
}

// observe reads the history of a workflow, as far as it was not read before.
func (w *walk) observe(ctx context.Context, x execution) {
	scheduled := map[int64]string{}
	events := w.client.GetWorkflowHistory(ctx, x.id, x.run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	w.seen.mu.Lock()
	from := w.seen.read[x.run]
	w.seen.mu.Unlock()
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return
		}
		if e.GetEventId() <= from && e.GetEventType() != enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED {
			continue
		}
		w.seen.event(e, x.kind, scheduled)
		from = max(from, e.GetEventId())
	}
	w.seen.mu.Lock()
	w.seen.read[x.run] = from
	w.seen.mu.Unlock()
}
