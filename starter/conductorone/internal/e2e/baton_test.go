package e2e

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// shown is what the baton CLI prints of a .c1z, as far as tests compare it.
type shown struct {
	types        map[string]shownType
	resources    map[string]shownResource // by type and id: "site:1"
	entitlements map[string]shownEntitlement
	grants       map[string]shownGrant
}

type shownType struct {
	ID     string   `json:"id"`
	Traits []string `json:"traits"`
}

type shownID struct {
	Type string `json:"resourceType"`
	ID   string `json:"resource"`
}

func (i shownID) String() string { return i.Type + ":" + i.ID }

type shownResource struct {
	ID          shownID           `json:"id"`
	Parent      *shownID          `json:"parentResourceId"`
	Name        string            `json:"displayName"`
	Annotations []json.RawMessage `json:"annotations"`
}

type shownEntitlement struct {
	ID          string            `json:"id"`
	Slug        string            `json:"slug"`
	Resource    shownResource     `json:"resource"`
	Annotations []json.RawMessage `json:"annotations"`
}

type shownGrant struct {
	ID          string            `json:"id"`
	Principal   shownResource     `json:"principal"`
	Entitlement shownEntitlement  `json:"entitlement"`
	Annotations []json.RawMessage `json:"annotations"`
}

// show reads the latest sync of a .c1z with the baton CLI. Nothing may be listed twice.
func (s *stack) show(file string) shown {
	s.t.Helper()
	var types struct {
		ResourceTypes []struct {
			ResourceType shownType `json:"resourceType"`
		} `json:"resourceTypes"`
	}
	s.baton(file, &types, "resource-types")
	var resources struct {
		Resources []struct {
			Resource shownResource  `json:"resource"`
			Parent   *shownResource `json:"parent"`
		} `json:"resources"`
	}
	s.baton(file, &resources, "resources")
	var entitlements struct {
		Entitlements []struct {
			Entitlement shownEntitlement `json:"entitlement"`
		} `json:"entitlements"`
	}
	s.baton(file, &entitlements, "entitlements")
	var grants struct {
		Grants []struct {
			Grant     shownGrant     `json:"grant"`
			Principal *shownResource `json:"principal"`
			Resource  *shownResource `json:"resource"`
		} `json:"grants"`
	}
	s.baton(file, &grants, "grants")

	out := shown{
		types: map[string]shownType{}, resources: map[string]shownResource{},
		entitlements: map[string]shownEntitlement{}, grants: map[string]shownGrant{},
	}
	for _, r := range types.ResourceTypes {
		put(s.t, out.types, r.ResourceType.ID, r.ResourceType)
	}
	for _, r := range resources.Resources {
		if r.Resource.Parent != nil {
			require.NotNil(s.t, r.Parent, "the parent of %s is not in the file", r.Resource.ID)
		}
		put(s.t, out.resources, r.Resource.ID.String(), r.Resource)
	}
	for _, r := range entitlements.Entitlements {
		put(s.t, out.entitlements, r.Entitlement.ID, r.Entitlement)
	}
	for _, r := range grants.Grants {
		require.NotNil(s.t, r.Principal, "the principal of %s is not in the file", r.Grant.ID)
		require.NotNil(s.t, r.Resource, "the resource of %s is not in the file", r.Grant.ID)
		put(s.t, out.grants, r.Grant.ID, r.Grant)
	}
	return out
}

func put[V any](t *testing.T, into map[string]V, id string, v V) {
	t.Helper()
	require.NotContains(t, into, id, "listed twice")
	into[id] = v
}

// baton runs a command of the baton CLI and decodes what it prints.
func (s *stack) baton(file string, into any, args ...string) {
	s.t.Helper()
	got := s.run(batonProgram, nil, append(args, "--file", file, "--output-format", "json")...)
	require.Zero(s.t, got.code, "baton %v: %s%s", args, got.stdout, got.stderr)
	require.NoError(s.t, json.Unmarshal([]byte(got.stdout), into), got.stdout)
}

// c1z is the path of a new .c1z.
func (s *stack) c1z() string {
	s.t.Helper()
	return filepath.Join(s.t.TempDir(), "sync.c1z")
}
