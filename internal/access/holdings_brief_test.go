package access_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// many is a list of n roles, each at a site of its own.
func many(n int) access.Holdings {
	out := access.Holdings{Level: access.SiteLevel}
	for i := range n {
		out.Held = append(out.Held, access.HeldRole{RoleID: "1", ScopeID: fmt.Sprintf("1535334414585%06d", i)})
	}
	return out.Normal()
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// fromJSON is what is read from the JSON of a value.
func fromJSON[T any](t *testing.T, v T) T {
	t.Helper()
	var out T
	require.NoError(t, json.Unmarshal([]byte(jsonOf(t, v)), &out))
	return out
}

// JSON lists up to 50 roles, and has number and digest of more. The list comes back under its digest alone.
func TestHoldings_Brief(t *testing.T) {
	t.Parallel()
	short, long := many(access.MaxListed), many(6000)
	require.Equal(t, short, fromJSON(t, short))
	require.NotContains(t, jsonOf(t, short), "digest")

	brief := fromJSON(t, long)
	require.Less(t, len(jsonOf(t, long)), 150)
	require.True(t, brief.IsBrief())
	require.Equal(t, 6000, brief.Len())
	require.Equal(t, jsonOf(t, long), jsonOf(t, brief), "read and written again, it is the same")
	require.True(t, brief.Equal(long) && long.Equal(brief))
	require.False(t, brief.Equal(many(6001)))
	require.False(t, brief.Equal(access.Holdings{}))

	whole, err := brief.WithList(long.List())
	require.NoError(t, err)
	require.Equal(t, long, whole)
	_, err = brief.WithList(short.List())
	require.ErrorIs(t, err, access.ErrOtherList)
}

// What versions up to 0.5.0 wrote as a whole list is read and written again as it was: it is in hashes.
func TestHoldings_ListsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	text := jsonOf(t, many(6000).Listed())
	require.Greater(t, len(text), 200_000)
	var old access.Holdings
	require.NoError(t, json.Unmarshal([]byte(text), &old))
	require.Equal(t, text, jsonOf(t, old))
	require.True(t, old.Equal(many(6000)))
	require.Less(t, len(jsonOf(t, old.Normal())), 150, "what is made of it is brief")
	for _, bad := range []string{
		`{"level":"site","held":[],"count":60}`,
		`{"level":"site","held":[{"roleId":"1","scopeId":"2"}],"count":60,"digest":"x"}`,
		`{"level":"site","held":[],"more":1}`,
	} {
		require.Error(t, json.Unmarshal([]byte(bad), &old), bad)
	}
}

// An effect that takes many roles away has their number and digest: it is as long for 6,000 as for 60, and another
// list has another hash.
func TestEffect_LosesMany(t *testing.T) {
	t.Parallel()
	effect := func(n int) access.Effect {
		var none access.OwnershipState
		up := access.Holding{Level: access.AccountLevel, RoleID: "3", ScopeID: "10"}
		change := acquire("a", up)
		change.Rules.AllowLevelChange = true
		return access.EffectOf(none.Apply(change, many(n)), change)
	}
	whole := effect(6000)
	require.Len(t, whole.Losses(), 6000)
	require.Len(t, jsonOf(t, whole), len(jsonOf(t, effect(6001))))
	require.Less(t, len(jsonOf(t, whole)), 500)
	require.NotEqual(t, jsonOf(t, whole), jsonOf(t, effect(6001)))
	require.Empty(t, effect(access.MaxListed).LosesMany.Held)

	brief := fromJSON(t, whole)
	require.Empty(t, brief.Exceeds(whole), "the same list, by its digest")
	require.Empty(t, whole.Exceeds(effect(5999)), "less is covered")
	more := whole.Exceeds(effect(6100))
	require.Len(t, more, access.MaxListed+1)
	require.Equal(t, "and 50 more", more[access.MaxListed])
}

// Sentences about hand edits do not grow with their number.
func TestAbsorb_ManyHandEdits(t *testing.T) {
	t.Parallel()
	known, _ := applyAll(many(6000), acquire("a", site("2", "x")))
	next, drift := known.Absorb(many(3000))
	require.Len(t, drift, access.MaxListed+1)
	require.Equal(t, "someone changed the roles at 2951 more scopes", drift[access.MaxListed])
	require.True(t, next.Baseline.Equal(many(3000)))
	require.True(t, next.Leases[0].Lost)
}

// A write between long lists names what it changed, and a read the roles that it was made for.
func TestEvidence_OfLongLists(t *testing.T) {
	t.Parallel()
	before, gone := many(6000), many(6000).Held[17]
	after := access.Holdings{Level: before.Level, Held: append([]access.HeldRole{}, before.Held...)}
	after.Held = append(after.Held[:17], after.Held[18:]...)
	write := fromJSON(t, access.Write{}.Between(before, after))
	require.Equal(t, []access.HeldRole{gone}, write.Lost().Held)
	require.Empty(t, write.Gained().Held)
	require.Less(t, len(jsonOf(t, write)), 700)

	h := site(gone.RoleID, gone.ScopeID)
	require.True(t, fromJSON(t, access.Read{Holdings: before}.About([]access.Holding{h})).Holds(h))
	require.False(t, fromJSON(t, access.Read{Holdings: after}.About([]access.Holding{h})).Holds(h))
	step := access.Step{Before: before, After: after}
	require.True(t, fromJSON(t, step).Landed(after))
	require.False(t, fromJSON(t, step).Landed(before))
}

// countHoldings finds every list of roles in a value by reflection.
func countHoldings(v reflect.Value) int {
	n := 0
	switch v.Kind() { //nolint:exhaustive // the others hold none
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[access.Holdings]() {
			return 1
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				n += countHoldings(v.Field(i))
			}
		}
	case reflect.Slice, reflect.Pointer:
		elem := v.Type().Elem()
		if elem.PkgPath() == reflect.TypeFor[access.Holdings]().PkgPath() && elem.Kind() == reflect.Struct {
			n = countHoldings(reflect.New(elem).Elem())
		}
	}
	return n
}

// No list of roles is forgotten: each is visited, also one that is added later.
func TestLists_VisitsAll(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]interface {
		Lists(do func(*access.Holdings))
	}{
		"plan": &access.Plan{Effect: &access.Effect{}}, "write": &access.Write{}, "read": &access.Read{},
		"proof": &access.Proof{Writes: make([]access.Write, 1), Reads: make([]access.Read, 1)},
		"step":  &access.Step{}, "ownership": &access.OwnershipState{},
		"receipt": &access.Receipt{
			Plan:   access.Plan{Effect: &access.Effect{}},
			Proofs: []access.Proof{{Writes: make([]access.Write, 1), Reads: make([]access.Read, 1)}},
		},
	} {
		n := 0
		v.Lists(func(*access.Holdings) { n++ })
		require.Equal(t, countHoldings(reflect.ValueOf(v).Elem()), n, name)
	}
}
