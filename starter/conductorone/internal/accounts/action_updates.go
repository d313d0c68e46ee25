package accounts

import (
	"context"
	"strings"

	configpb "github.com/conductorone/baton-sdk/pb/c1/config/v1"
	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
)

func extendSchema() *v2.BatonActionSchema {
	return schema(ExtendAction, "Extend access",
		"Asks for a later end of a grant that ConductorOne has requested and that is in force. Those who had to "+
			"approve the grant approve the extension; until then it ends as before.",
		textField(requestArg, "Request", "Id of the request, as in INC-42", true),
		textField(durationArg, "Duration", "Time to add to the end: 90m, 2h, 1d", true),
		textField(reasonArg, "Reason", "Reason for the extension, which approvers see", false),
	)
}

func endSchema() *v2.BatonActionSchema {
	return schema(EndAction, "End access",
		"Ends a time-bound grant that ConductorOne has requested now: the role is removed, and the principal's "+
			"earlier access is restored.",
		textField(requestArg, "Request", "Id of the request, as in INC-42", true),
		textField(reasonArg, "Reason", "Reason, for the audit trail", false),
	)
}

func confirmSchema() *v2.BatonActionSchema {
	return schema(ConfirmSyncAction, "Confirm a quarantined sync",
		"Says that the data of a quarantined sync is right: it is used from now on.", syncFields()...)
}

func discardSchema() *v2.BatonActionSchema {
	return schema(DiscardSyncAction, "Discard a quarantined sync",
		"Says that the data of a quarantined sync is wrong: the last verified sync stays in use.", syncFields()...)
}

func (a Actions) extend(ctx context.Context, args *structpb.Struct) (
	*structpb.Struct, annotations.Annotations, error,
) {
	typed, err := typedID(args)
	if err != nil {
		return nil, nil, err
	}
	more, err := duration(args)
	if err != nil {
		return nil, nil, err
	}
	before, err := a.own(ctx, "extend", typed)
	if err != nil {
		return nil, nil, err
	}
	id, said, err := a.Updates.Extend(ctx, before.Run.Request, wire.ExtendInput{
		By: a.Requester, Duration: more, Comment: text(args, reasonArg),
	})
	if err != nil {
		return nil, nil, notDone("extend", typed, err)
	}
	values := answered(id, said)
	if said.Pending {
		values[messageResult] = "the extension waits for its approval, and the grant ends as before until then: " +
			"decide with `starter approve " + shortID(id) + "` or `starter deny " + shortID(id) + "`"
	} else {
		moved := func(r authority.Record) bool { return len(r.Moved) > len(before.Moved) }
		if err := a.awaitMore(ctx, before, "extended", moved); err != nil {
			return nil, nil, err
		}
		values[messageResult] = "extended: " + describe.State(said.State, nil, said.EndsAt)
	}
	return answer(!said.Pending, values), nil, nil
}

func (a Actions) end(ctx context.Context, args *structpb.Struct) (
	*structpb.Struct, annotations.Annotations, error,
) {
	typed, err := typedID(args)
	if err != nil {
		return nil, nil, err
	}
	before, err := a.own(ctx, "end", typed)
	if err != nil {
		return nil, nil, err
	}
	id, said, err := a.Updates.End(ctx, before.Run.Request, wire.StopInput{
		By: a.Requester, Comment: text(args, reasonArg),
	})
	if err != nil {
		return nil, nil, notDone("end", typed, err)
	}
	if err := a.awaitMore(ctx, before, said.State, isReleased); err != nil {
		return nil, nil, err
	}
	values := answered(id, said)
	values[messageResult] = describe.Result(said.State, said.Outcome)
	return answer(true, values), nil, nil
}

func answered(id string, said wire.RequestAnswer) map[string]string {
	out := map[string]string{requestArg: id, stateResult: said.State}
	if said.EndsAt != nil {
		out[endsAtResult] = describe.Second(*said.EndsAt)
	}
	return out
}

// notDone is why a message was not carried out. Errors that have a code of their own keep it.
func notDone(what, typed string, err error) error {
	if _, is := status.FromError(err); is {
		return err
	}
	return explain.Newf(codes.FailedPrecondition, "cannot %s %s: %s. See `starter show %s`", what, typed,
		describe.Text(err.Error()), typed)
}

func (a Actions) confirmSync(ctx context.Context, args *structpb.Struct) (
	*structpb.Struct, annotations.Annotations, error,
) {
	return a.decideSync(ctx, wire.ConfirmUpdate, args)
}

func (a Actions) discardSync(ctx context.Context, args *structpb.Struct) (
	*structpb.Struct, annotations.Annotations, error,
) {
	return a.decideSync(ctx, wire.DiscardUpdate, args)
}

// decideSync decides about the quarantined sync, or about the one that is named where there are several.
func (a Actions) decideSync(ctx context.Context, decision string, args *structpb.Struct) (
	*structpb.Struct, annotations.Annotations, error,
) {
	id := text(args, syncArg)
	if id == "" {
		found, err := a.Updates.Quarantined(ctx)
		switch {
		case err != nil:
			return nil, nil, err
		case len(found) == 0:
			return nil, nil, explain.Newf(codes.FailedPrecondition,
				"no sync is quarantined, so there is nothing to decide: see `starter status`")
		case len(found) > 1:
			return nil, nil, invalid("several syncs are quarantined: choose one with %s: %s", syncArg,
				strings.Join(found, ", "))
		}
		id = found[0]
	}
	said, err := a.Updates.Decide(ctx, id, decision, wire.QuarantineDecision{
		By: a.Requester, Comment: text(args, reasonArg),
	})
	if err != nil {
		if _, is := status.FromError(err); is {
			return nil, nil, err
		}
		return nil, nil, explain.Newf(codes.FailedPrecondition, "cannot %s the sync %s: %s. See `starter status`",
			decision, id, describe.Text(err.Error()))
	}
	values := map[string]string{requestArg: id, stateResult: said.State}
	switch {
	case said.Pending != "":
		values[messageResult] = "confirmed by " + said.By + ", and still quarantined: it waits " +
			describe.Text(said.Pending) + ". They confirm it with `starter confirm`"
	case decision == wire.DiscardUpdate:
		values[messageResult] = "the snapshot is dropped, and the last verified sync stays in use"
	default:
		values[messageResult] = "the snapshot is in use from now on"
	}
	return answer(said.Pending == "", values), nil, nil
}

func syncFields() []*configpb.Field {
	return []*configpb.Field{
		textField(syncArg, "Sync", "Workflow id of the sync; only needed where several are quarantined", false),
		textField(reasonArg, "Reason", "Reason, for the audit trail", false),
	}
}
