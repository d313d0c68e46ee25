package resources

import (
	"fmt"
	"strings"
	"unicode/utf8"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"sentinelone-provisioner/internal/describe"
)

// The longest texts that ConductorOne's protocol takes, in bytes. It refuses a call with a longer one.
const (
	maxName        = 1024
	maxDescription = 2048
)

// pack makes annotations. The same messages give the same bytes: the SDK's own way encodes a profile in the random
// order of a map, and `baton diff` then shows changes where there are none.
func pack(messages ...proto.Message) []*anypb.Any {
	out := make([]*anypb.Any, len(messages))
	for i, m := range messages {
		out[i] = &anypb.Any{}
		if err := anypb.MarshalFrom(out[i], m, proto.MarshalOptions{Deterministic: true}); err != nil {
			// Invalid UTF-8 alone cannot be encoded, and clip and resourceID leave none.
			//nolint:forbidigo // so it cannot happen
			panic(fmt.Errorf("encode %s: %w", m.ProtoReflect().Descriptor().FullName(), err))
		}
	}
	return out
}

// profile is what people see of a resource besides its name.
type profile map[string]any

func (p profile) asStruct() *structpb.Struct {
	out := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(p))}
	for key, value := range p {
		switch v := value.(type) {
		case string:
			out.Fields[key] = structpb.NewStringValue(clip(v, maxDescription))
		case bool:
			out.Fields[key] = structpb.NewBoolValue(v)
		}
	}
	return out
}

// resourceID keeps an id as it is, unless it is no UTF-8, which protobuf refuses.
func resourceID(typeID, id string) *v2.ResourceId {
	return &v2.ResourceId{ResourceType: typeID, Resource: strings.ToValidUTF8(id, "\ufffd")}
}

// clip makes a text from the console safe to show, as [describe.Text] does, and so valid UTF-8, which protobuf needs.
// It cuts the text to a number of bytes, between characters.
func clip(text string, most int) string {
	text = describe.Text(text)
	if len(text) <= most {
		return text
	}
	const mark = "…"
	cut := most - len(mark)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + mark
}
