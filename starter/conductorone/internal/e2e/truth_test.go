package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/describe"
)

// expected is what a .c1z must hold of a console: all ids, written together here and not by the connector's code.
type expected struct {
	resources    map[string]string // by type and id: its name
	parents      map[string]string // of sites
	entitlements []string
	grants       []string
	// bindings are role assignments: the role and the scope of their trait, each as type and id.
	bindings map[string][2]string
}

func resourceType(kind access.Kind) string {
	if kind == access.ServiceUser {
		return "service_user"
	}
	return "user"
}

// expect makes what must be there from what is on the console.
func expect(console *consoletest.Server, stock bool) expected {
	truth := console.Truth()
	out := expected{
		resources: map[string]string{"tenant:tenant": strings.TrimPrefix(console.URL, "http://")},
		parents:   map[string]string{}, bindings: map[string][2]string{},
	}
	for _, a := range truth.Accounts {
		out.resources["account:"+a.ID] = describe.Text(a.Name)
		out.entitlements = append(out.entitlements, "account:"+a.ID+":member")
	}
	for _, s := range truth.Sites {
		out.resources["site:"+s.ID] = describe.Text(s.Name)
		out.parents["site:"+s.ID] = "account:" + s.AccountID
		out.entitlements = append(out.entitlements, "site:"+s.ID+":member")
	}
	for _, r := range truth.Roles {
		out.resources["role:"+r.ID] = describe.Text(r.Name)
		if stock {
			for _, level := range []string{"account", "site", "tenant"} {
				out.entitlements = append(out.entitlements, "role:"+r.ID+":"+level+" scope")
			}
		}
	}
	grants := map[string]bool{}
	for _, p := range truth.Principals {
		who := resourceType(p.Kind) + ":" + p.ID
		out.resources[who] = describe.Text(p.Name)
		for _, h := range p.Held {
			out.addHeld(grants, who, p.Level, h, stock)
		}
	}
	out.grants = slices.Collect(maps.Keys(grants))
	return out
}

func (e *expected) addHeld(grants map[string]bool, who string, level access.Level, h access.HeldRole, stock bool) {
	scopeID := h.ScopeID
	if level == access.Tenant {
		scopeID = "tenant"
	}
	id := h.RoleID + "-" + scopeID
	if _, is := e.bindings[id]; !is {
		e.bindings[id] = [2]string{"role:" + h.RoleID, string(level) + ":" + scopeID}
		e.entitlements = append(e.entitlements, "role_assignment:"+id+":assigned")
	}
	grants["role_assignment:"+id+":assigned:"+who] = true
	if level != access.Tenant {
		grants[string(level)+":"+scopeID+":member:"+who] = true
	}
	if stock {
		grants["role:"+h.RoleID+":"+string(level)+" scope:"+who] = true
	}
}

// requireShows compares what the baton CLI shows with what must be there, both ways.
func requireShows(t *testing.T, want expected, got shown) {
	t.Helper()
	names, bindings := map[string]string{}, map[string][2]string{}
	parents := map[string]string{}
	for id, r := range got.resources {
		if r.ID.Type == "role_assignment" {
			bindings[r.ID.ID] = binding(t, r)
			continue
		}
		names[id] = r.Name
		if r.Parent != nil {
			parents[id] = r.Parent.String()
		}
	}
	requireSame(t, want.resources, names)
	requireSame(t, want.parents, parents)
	requireSame(t, want.bindings, bindings)
	requireSame(t, set(want.entitlements), set(keys(got.entitlements)))
	requireSame(t, set(want.grants), set(keys(got.grants)))
	for id, g := range got.grants {
		require.Equal(t, id, g.Entitlement.ID+":"+g.Principal.ID.String(), "a grant's id names what it joins")
		require.Contains(t, names, g.Principal.ID.String())
	}
}

// binding is the role and the scope of a role assignment's trait.
func binding(t *testing.T, r shownResource) [2]string {
	t.Helper()
	for _, raw := range r.Annotations {
		var trait struct {
			Type  string  `json:"@type"`
			Role  shownID `json:"roleId"`
			Scope shownID `json:"scopeResourceId"`
		}
		require.NoError(t, json.Unmarshal(raw, &trait))
		if strings.HasSuffix(trait.Type, "ScopeBindingTrait") {
			return [2]string{trait.Role.String(), trait.Scope.String()}
		}
	}
	require.Fail(t, "no trait", "%s", r.ID)
	return [2]string{}
}

func set(ids []string) map[string]bool {
	out := make(map[string]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out
}

// requireSame compares two maps and shows a few of the differences only: they may have thousands.
func requireSame[V comparable](t *testing.T, want, got map[string]V) {
	t.Helper()
	var missing, extra []string
	for id, v := range want {
		if other, is := got[id]; !is || other != v {
			missing = append(missing, id)
		}
	}
	for id := range got {
		if _, is := want[id]; !is {
			extra = append(extra, id)
		}
	}
	slices.Sort(missing)
	slices.Sort(extra)
	const few = 5
	require.True(t, len(missing) == 0 && len(extra) == 0, "%d are missing or differ: %q…; %d should not be there: %q…",
		len(missing), missing[:min(few, len(missing))], len(extra), extra[:min(few, len(extra))])
}
