package wire_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// TestLimits breaks each limit of each input by one byte.
func TestLimits(t *testing.T) {
	t.Parallel()
	text := func(n int) string { return strings.Repeat("a", n) }
	const bob = "bob@example.com"
	for name, c := range map[string]struct {
		of    func(text string) wire.Limited
		limit int
	}{
		"requester": {func(s string) wire.Limited { return wire.GrantInput{Requester: s} }, 320},
		"reason":    {func(s string) wire.Limited { return wire.GrantInput{Requester: bob, Reason: s} }, 4096},
		"console":   {func(s string) wire.Limited { return wire.GrantInput{Requester: bob, Console: s} }, 300},
		"signature": {
			func(s string) wire.Limited {
				return wire.GrantInput{Requester: bob, Signed: wire.Signed{Signature: s}}
			}, 16384,
		},
		"principal.id": {
			func(s string) wire.Limited { return wire.GrantInput{Principal: access.PrincipalSelector{ID: s}} }, 100,
		},
		"principal.kind": {
			func(s string) wire.Limited {
				return wire.RevokeInput{Principal: access.PrincipalSelector{Kind: access.Kind(s)}}
			}, 100,
		},
		"principal.email": {
			func(s string) wire.Limited {
				return wire.OffboardInput{Principal: access.PrincipalSelector{Email: s}}
			}, 320,
		},
		"principal.name": {
			func(s string) wire.Limited { return wire.RevokeInput{Principal: access.PrincipalSelector{Name: s}} }, 2048,
		},
		"role.id": {func(s string) wire.Limited { return wire.GrantInput{Role: access.RoleSelector{ID: s}} }, 100},
		"role.name": {
			func(s string) wire.Limited { return wire.RevokeInput{Role: access.RoleSelector{Name: s}} }, 2048,
		},
		"baseline: scope.id": {
			func(s string) wire.Limited {
				return wire.OffboardInput{Baseline: &wire.Baseline{Scope: access.ScopeSelector{ID: s}}}
			}, 100,
		},
		"scope.level": {
			func(s string) wire.Limited {
				return wire.GrantInput{Scope: access.ScopeSelector{Level: access.Level(s)}}
			}, 100,
		},
		"scope.name": {
			func(s string) wire.Limited { return wire.GrantInput{Scope: access.ScopeSelector{Name: s}} }, 4096,
		},
		"mode":         {func(s string) wire.Limited { return wire.OffboardInput{Mode: s} }, 100},
		"email":        {func(s string) wire.Limited { return wire.ProvisionUserInput{Email: s} }, 320},
		"name":         {func(s string) wire.Limited { return wire.ProvisionUserInput{FullName: s} }, 2048},
		"description":  {func(s string) wire.Limited { return wire.ProvisionServiceUserInput{Description: s} }, 4096},
		"by":           {func(s string) wire.Limited { return wire.DecisionInput{By: s} }, 320},
		"comment":      {func(s string) wire.Limited { return wire.DecisionInput{By: bob, Comment: s} }, 4096},
		"planHash":     {func(s string) wire.Limited { return wire.DecisionInput{By: bob, PlanHash: s} }, 100},
		"to":           {func(s string) wire.Limited { return wire.DelegationInput{By: bob, To: s} }, 320},
		"a collection": {func(s string) wire.Limited { return wire.SyncInput{Collections: []string{s}} }, 100},
		"request":      {func(s string) wire.Limited { return wire.ChangeRequest{Request: s} }, 1000},
		"key":          {func(s string) wire.Limited { return wire.ChangeRequest{Key: s} }, 1200},
	} {
		require.NoError(t, c.of(text(c.limit)).Limits(), name)
		require.ErrorContains(t, c.of(text(c.limit+1)).Limits(), name+" is ", name)
		long := c.of(text(2 << 20)).Limits()
		require.ErrorContains(t, long, "2097152 bytes long, and the limit is ", name)
		require.Less(t, len(long.Error()), 300, "%s: the error does not repeat the text", name)
	}
	for name, in := range map[string]wire.Limited{
		"cancel or end": wire.StopInput{By: text(321)}, "extend": wire.ExtendInput{By: text(321)},
		"confirm or discard": wire.QuarantineDecision{By: text(321)},
		"deny":               wire.DecisionInput{By: bob, Signature: text(16385)},
		"delegate":           wire.DelegationInput{By: bob, To: "carol@example.com", Comment: text(4097)},
		"freeze":             wire.FreezeInput{By: bob, Signed: wire.Signed{Signature: text(16385)}},
		"a lease":            wire.ChangeRequest{Change: access.Change{Lease: access.Lease{ID: text(1201)}}},
	} {
		require.ErrorContains(t, in.Limits(), "bytes long, and the limit is", name)
	}
	for name, in := range map[string]wire.Limited{
		"requester": wire.GrantInput{Requester: "bob\u202e@example.com"},
		"by":        wire.StopInput{By: "\x1bbob@example.com"},
		"email":     wire.ProvisionUserInput{Email: "ana\u3164@example.com"},
		"to":        wire.DelegationInput{By: bob, To: "carol\u034f@example.com"},
	} {
		require.ErrorContains(t, in.Limits(), name+" contains U+", name)
	}
}
