package accounts

import (
	"context"
	"slices"
	"strings"

	configpb "github.com/conductorone/baton-sdk/pb/c1/config/v1"
	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/actions"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"google.golang.org/protobuf/types/known/structpb"

	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
)

// Updates sends messages to running workflows, signed with the connector's key if it has one.
type Updates interface {
	// Extend asks for a later end of a running grant, and End ends it. typed is the request's id as a person knows
	// it. Both return the workflow id.
	Extend(ctx context.Context, typed string, in wire.ExtendInput) (id string, a wire.RequestAnswer, err error)
	End(ctx context.Context, typed string, in wire.StopInput) (id string, a wire.RequestAnswer, err error)
	// Decide confirms or discards the quarantined snapshot of a sync: decision is the name of the update.
	Decide(ctx context.Context, id, decision string, in wire.QuarantineDecision) (wire.QuarantineAnswer, error)
	// Quarantined lists the workflow ids of the syncs that hold a quarantined snapshot of the console, oldest first.
	Quarantined(ctx context.Context) ([]string, error)
}

// Actions are what ConductorOne can have done and has no word of its own for.
type Actions struct {
	*Config

	Updates Updates
}

// Names of the actions.
const (
	GrantForAction    = "grant_for"
	ExtendAction      = "extend"
	EndAction         = "end"
	ConfirmSyncAction = "confirm_sync"
	DiscardSyncAction = "discard_sync"
)

// Arguments and results of the actions.
const (
	principalArg = "principal"
	roleArg      = "role"
	scopeArg     = "scope"
	durationArg  = "duration"
	reasonArg    = "reason"
	requestArg   = "request"
	syncArg      = "sync"

	stateResult   = "state"
	endsAtResult  = "ends_at"
	messageResult = "message"
)

// Register registers all actions.
func (a Actions) Register(ctx context.Context, in actions.ActionRegistry) error {
	for _, add := range []struct {
		schema  *v2.BatonActionSchema
		handler actions.ActionHandler
	}{
		{grantForSchema(), a.grantFor},
		{extendSchema(), a.extend},
		{endSchema(), a.end},
		{confirmSchema(), a.confirmSync},
		{discardSchema(), a.discardSync},
	} {
		if err := in.Register(ctx, add.schema, a.explained(add.handler)); err != nil {
			return err
		}
	}
	return nil
}

// explained is a handler whose errors are sentences.
func (a Actions) explained(do actions.ActionHandler) actions.ActionHandler {
	return func(ctx context.Context, args *structpb.Struct) (*structpb.Struct, annotations.Annotations, error) {
		if a.Config == nil || a.Updates == nil {
			return nil, nil, errOnlyReads
		}
		out, notes, err := do(ctx, args)
		return out, notes, explain.Read(err)
	}
}

// results are what all actions answer.
func results() []*configpb.Field {
	return []*configpb.Field{
		boolField("success", "Done", "Whether it is done; false also while it waits for people"),
		textField(requestArg, "Request", "Id of the request or sync", false),
		textField(stateResult, "State", "State of the request or sync", false),
		textField(endsAtResult, "Ends at", "When the access ends, in UTC", false),
		textField(messageResult, "Message", "What happened, and what to do next", false),
	}
}

// answer is what an action answers. done is false also while it waits for people.
func answer(done bool, values map[string]string) *structpb.Struct {
	var out []actions.ReturnField
	for name, text := range values {
		if text != "" {
			out = append(out, actions.NewStringReturnField(name, text))
		}
	}
	return actions.NewReturnValues(done, out...)
}

func schema(name, label, description string, arguments ...*configpb.Field) *v2.BatonActionSchema {
	return v2.BatonActionSchema_builder{
		Name: name, DisplayName: label, Description: description, Arguments: arguments, ReturnTypes: results(),
		ActionType: []v2.ActionType{v2.ActionType_ACTION_TYPE_DYNAMIC},
	}.Build()
}

func textField(name, label, description string, required bool) *configpb.Field {
	return configpb.Field_builder{
		Name: name, DisplayName: label, Description: description, IsRequired: required,
		StringField: &configpb.StringField{},
	}.Build()
}

func boolField(name, label, description string) *configpb.Field {
	return configpb.Field_builder{
		Name: name, DisplayName: label, Description: description, BoolField: &configpb.BoolField{},
	}.Build()
}

func resourceField(name, label, description string, types ...string) *configpb.Field {
	return configpb.Field_builder{
		Name: name, DisplayName: label, Description: description, IsRequired: true,
		ResourceIdField: configpb.ResourceIdField_builder{
			Rules: configpb.ResourceIDRules_builder{AllowedResourceTypeIds: types}.Build(),
		}.Build(),
	}.Build()
}

// text is an argument that is text; "" if it is absent.
func text(args *structpb.Struct, name string) string {
	value, _ := actions.GetStringArg(args, name)
	return strings.TrimSpace(value)
}

// resourceArg is an argument that names a resource of one of the types.
func resourceArg(args *structpb.Struct, name string, types ...string) (*v2.ResourceId, error) {
	id, ok := actions.GetResourceIDArg(args, name)
	if !ok {
		in := args.GetFields()[name].GetStructValue()
		kind, value := text(in, "resourceTypeId"), text(in, "resourceId") // as protojson spells it
		id, ok = v2.ResourceId_builder{ResourceType: kind, Resource: value}.Build(), kind != "" && value != ""
	}
	switch {
	case !ok:
		return nil, invalid("%s is missing: name a resource of type %s", name, strings.Join(types, " or "))
	case !slices.Contains(types, id.GetResourceType()):
		return nil, invalid("%s is a %s: name a resource of type %s", name, id.GetResourceType(),
			strings.Join(types, " or "))
	}
	return id, nil
}

var (
	principalTypes = []string{resources.User, resources.ServiceUser}
	scopeTypes     = []string{resources.Tenant, resources.Account, resources.Site}
)

// typedID is the request that a person names.
func typedID(args *structpb.Struct) (string, error) {
	id := text(args, requestArg)
	if id == "" {
		return "", invalid("%s is missing: name the request, as in INC-42 or grant/c1-…; "+
			"`starter requests` lists them", requestArg)
	}
	return strings.TrimSpace(id), nil
}

// shortID is the id that people type.
func shortID(id string) string { return requestclient.ShortID(id) }
