package c1test

import (
	"context"
	"fmt"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// askAgain is the pause between two questions for the status of an action.
const askAgain = 100 * time.Millisecond

// Action is how an action stands or has ended.
type Action struct {
	ID     string // of the invocation; "" if the connector has refused it
	Status v2.BatonActionStatus
	// Values are what the action answers, by name; "error" is why it has failed.
	Values map[string]any
	// Asked is how often its status was asked for.
	Asked int
}

// Complete reports whether the action has ended without an error.
func (a Action) Complete() bool { return a.Status == v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE }

// Text is a value of the answer that is text; "" for none.
func (a Action) Text(name string) string {
	text, _ := a.Values[name].(string)
	return text
}

// Failure is why the action has failed; "" if it has not.
func (a Action) Failure() string { return a.Text("error") }

// RunAction invokes an action, and asks for its status until it has ended: a connector in service mode answers an
// invocation after a second, whether the action has ended or not, and goes on with it.
func (s *Server) RunAction(ctx context.Context, name string, args *structpb.Struct) (Action, error) {
	var first v2.InvokeActionResponse
	out, err := s.aboutAction(ctx, s.Queue(InvokeAction(name, args)), &first)
	if err != nil || out.Failure() != "" {
		return out, err
	}
	out = Action{ID: first.GetId(), Status: first.GetStatus(), Values: first.GetResponse().AsMap()}
	pause := time.NewTicker(askAgain)
	defer pause.Stop()
	for !isSettled(out.Status) {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return out, fmt.Errorf("action %s has not ended: %w", name, ctx.Err())
		}
		var now v2.GetActionStatusResponse
		failed, err := s.aboutAction(ctx, s.Queue(ActionStatus(name, out.ID)), &now)
		if err != nil || failed.Failure() != "" {
			return failed, err
		}
		out.Status, out.Values, out.Asked = now.GetStatus(), now.GetResponse().AsMap(), out.Asked+1
	}
	return out, nil
}

// aboutAction waits for the end of a task about an action, and decodes what the connector answers. An action that fails
// in its first second fails the task: then it is in failed.
func (s *Server) aboutAction(ctx context.Context, task *Task, into proto.Message) (failed Action, err error) {
	got, err := task.Wait(ctx)
	if err != nil {
		return failed, err
	}
	if !got.Succeeded() {
		failed.Status = v2.BatonActionStatus_BATON_ACTION_STATUS_FAILED
		failed.Values = map[string]any{"error": got.Message()}
		return failed, nil
	}
	return failed, got.Finished.GetSuccess().GetResponse().UnmarshalTo(into)
}

// WaitStatusAsked waits until the connector has said that many times how an action stands.
func (s *Server) WaitStatusAsked(ctx context.Context, n int) error {
	return s.until(ctx, func() bool {
		said := 0
		for _, t := range s.tasks {
			if t.sent.HasActionStatus() && t.finished != nil {
				said++
			}
		}
		return said >= n
	})
}

func isSettled(s v2.BatonActionStatus) bool {
	return s == v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE ||
		s == v2.BatonActionStatus_BATON_ACTION_STATUS_FAILED
}
