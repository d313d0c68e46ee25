package wire_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// notSigned are the fields of a request's input that its requester does not sign.
var notSigned = map[string]string{
	"Signed": "is the signature itself",
	"DryRun": "a dry run changes nothing",
	"Mode":   "follows from Baseline, see OffboardInput.Validate",
}

// A field that Spec leaves out is in no plan, and a person who forwards the request could
// change it.
func TestSpec_HasEveryField(t *testing.T) {
	t.Parallel()
	for _, input := range []interface{ Spec() access.RequestSpec }{
		wire.GrantInput{},
		wire.RevokeInput{},
		wire.ProvisionUserInput{},
		wire.ProvisionServiceUserInput{},
		wire.OffboardInput{},
	} {
		typ := reflect.TypeOf(input)
		for i := range typ.NumField() {
			field := typ.Field(i)
			if notSigned[field.Name] != "" {
				continue
			}
			filled := reflect.New(typ).Elem()
			fill(filled.Field(i))
			changed, ok := reflect.TypeAssert[interface{ Spec() access.RequestSpec }](filled)
			require.True(t, ok)
			require.NotEqual(t, input.Spec().Hash(), changed.Spec().Hash(), "%s.%s", typ.Name(), field.Name)
		}
	}
}

// fill gives a value and its parts anything but zero.
func fill(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 3, 3, 14, 5, 0, 0, time.UTC)))
	case v.Kind() == reflect.String:
		v.SetString("x")
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(int64(time.Hour))
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case v.Kind() == reflect.Struct:
		for _, part := range v.Fields() {
			fill(part)
		}
	}
}
