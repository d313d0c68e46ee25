package policy

import (
	"reflect"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
)

// Bounds on conditions. Conditions that people write cost some tens of units.
const (
	costLimit     = 20_000  // units of CEL's cost model
	maxExpression = 8 << 10 // bytes
	maxNesting    = 100
)

// environment declares the variables of conditions. It is made once because that takes
// milliseconds.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	object := func(t reflect.Type) *cel.Type { return cel.ObjectType("policy." + t.Name()) }
	principal, role := reflect.TypeFor[principalFacts](), reflect.TypeFor[roleFacts]()
	scope := reflect.TypeFor[scopeFacts]()
	return cel.NewEnv(
		ext.NativeTypes(principal, role, scope, ext.ParseStructTags(true)),
		ext.Strings(ext.StringsVersion(4)),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ParserRecursionLimit(maxNesting),
		cel.Variable("op", cel.StringType),
		cel.Variable("mode", cel.StringType),
		cel.Variable("principal", object(principal)),
		cel.Variable("role", object(role)),
		cel.Variable("scope", object(scope)),
		cel.Variable("requester", cel.StringType),
		cel.Variable("duration", cel.DurationType),
		cel.Variable("permanent", cel.BoolType),
		cel.Variable("levelChange", cel.BoolType),
		cel.Variable("breakGlass", cel.BoolType),
		cel.Variable("newAccount", cel.BoolType),
		cel.Variable("now", cel.TimestampType),
		cel.Variable("weekday", cel.StringType),
		cel.Variable("hour", cel.IntType),
		cel.Variable("groups", cel.MapType(cel.StringType, cel.ListType(cel.StringType))),
	)
})

// requestVariables are patterns for every variable that a request sets: all but groups,
// which the policy itself defines.
func requestVariables() []*cel.AttributePatternType {
	names := []string{
		"op", "mode", "principal", "role", "scope", "requester", "duration", "permanent", "levelChange", "breakGlass",
		"newAccount", "now", "weekday", "hour",
	}
	out := make([]*cel.AttributePatternType, len(names))
	for i, name := range names {
		out[i] = cel.AttributePattern(name)
	}
	return out
}
