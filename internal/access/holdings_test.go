package access_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func TestHoldings_EqualIgnoresOrderAndRepeats(t *testing.T) {
	t.Parallel()
	a := access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{
		{RoleID: "1", ScopeID: "9"}, {RoleID: "2", ScopeID: "8"},
	}}
	b := access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{
		{RoleID: "2", ScopeID: "8"}, {RoleID: "1", ScopeID: "9"}, {RoleID: "2", ScopeID: "8"},
	}}
	require.True(t, a.Equal(b))
	b.Level = access.AccountLevel
	require.False(t, a.Equal(b), "another level is another scope")
	require.False(t, a.Equal(access.Holdings{Level: access.SiteLevel, Held: a.Held[:1]}))
	nothing := access.Holdings{Level: access.SiteLevel}
	require.True(t, nothing.Equal(access.Holdings{}), "nothing is nothing at any level")
}

func TestHoldings_NormalLeavesTheOriginalAlone(t *testing.T) {
	t.Parallel()
	held := []access.HeldRole{{RoleID: "2", ScopeID: "9"}, {RoleID: "1", ScopeID: "8"}}
	p := access.Principal{Level: access.SiteLevel, Held: held}
	require.Equal(t, access.HeldRole{RoleID: "1", ScopeID: "8"}, p.Holdings().Held[0])
	require.Equal(t, access.HeldRole{RoleID: "2", ScopeID: "9"}, held[0])
	require.NotNil(t, access.Principal{}.Holdings().Held)
}

func TestHoldings_HoldsIsExact(t *testing.T) {
	t.Parallel()
	r := access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "3", ScopeID: "8"}}}
	require.True(t, r.Holds(access.Holding{Level: access.SiteLevel, RoleID: "3", ScopeID: "8"}))
	require.False(t, r.Holds(access.Holding{Level: access.AccountLevel, RoleID: "3", ScopeID: "8"}))
	require.False(t, r.Holds(access.Holding{Level: access.SiteLevel, RoleID: "3", ScopeID: "9"}))
}

func TestHoldings_JSONHasAListAlways(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(access.OwnershipState{})
	require.NoError(t, err)
	require.NotContains(t, string(text), "null")
	var back access.OwnershipState
	require.NoError(t, json.Unmarshal(text, &back))
	require.True(t, back.Baseline.Equal(access.Holdings{}))
}
