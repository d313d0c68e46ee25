package c1test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
)

// Contents is what one sync has put into a .c1z. Entitlements and grants have the whole resources that they name, where
// those are in the file: so ConductorOne sends them in tasks, while a .c1z has their ids.
type Contents struct {
	Types        []*v2.ResourceType
	Resources    []*v2.Resource
	Entitlements []*v2.Entitlement
	Grants       []*v2.Grant
}

// Contents reads the one .c1z that a full sync has uploaded.
func (r Result) Contents(tb testing.TB) Contents {
	tb.Helper()
	return Read(tb, r.File(tb))
}

// File writes the one .c1z that a full sync has uploaded into a temporary file.
func (r Result) File(tb testing.TB) string {
	tb.Helper()
	if len(r.Uploads) != 1 {
		tb.Fatalf("%d uploads, want one; the task ended with %q", len(r.Uploads), r.Message())
	}
	file := filepath.Join(tb.TempDir(), "uploaded.c1z")
	if err := os.WriteFile(file, r.Uploads[0], 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

// Read reads the latest sync in a .c1z.
func Read(tb testing.TB, file string) Contents {
	tb.Helper()
	ctx := tb.Context()
	store, err := dotc1z.NewStore(ctx, file, dotc1z.WithReadOnly(true))
	if err != nil {
		tb.Fatalf("open %s: %v", file, err)
	}
	defer func() { _ = store.Close(context.WithoutCancel(ctx)) }()
	latest, err := store.SyncMeta().LatestFinishedSyncOfAnyType(ctx)
	if err != nil || latest == nil {
		tb.Fatalf("%s holds no finished sync: %v", file, err)
	}
	if err := store.SetCurrentSync(ctx, latest.ID); err != nil {
		tb.Fatalf("read sync %s in %s: %v", latest.ID, file, err)
	}
	out, err := read(ctx, store)
	if err != nil {
		tb.Fatalf("read %s: %v", file, err)
	}
	out.complete()
	return out
}

// complete puts whole resources and entitlements where their ids stand.
func (c Contents) complete() {
	resources := map[string]*v2.Resource{}
	for _, r := range c.Resources {
		resources[key(r)] = r
	}
	entitlements := map[string]*v2.Entitlement{}
	for _, e := range c.Entitlements {
		if r := resources[key(e.GetResource())]; r != nil {
			e.SetResource(r)
		}
		entitlements[e.GetId()] = e
	}
	for _, g := range c.Grants {
		if e := entitlements[g.GetEntitlement().GetId()]; e != nil {
			g.SetEntitlement(e)
		}
		if r := resources[key(g.GetPrincipal())]; r != nil {
			g.SetPrincipal(r)
		}
	}
}

func key(r *v2.Resource) string { return r.GetId().GetResourceType() + ":" + r.GetId().GetResource() }

func read(ctx context.Context, store connectorstore.Reader) (out Contents, err error) {
	out.Types, err = all(func(page string) ([]*v2.ResourceType, string, error) {
		got, err := store.ListResourceTypes(ctx, &v2.ResourceTypesServiceListResourceTypesRequest{PageToken: page})
		return got.GetList(), got.GetNextPageToken(), err
	})
	if err != nil {
		return out, err
	}
	out.Resources, err = all(func(page string) ([]*v2.Resource, string, error) {
		got, err := store.ListResources(ctx, &v2.ResourcesServiceListResourcesRequest{PageToken: page})
		return got.GetList(), got.GetNextPageToken(), err
	})
	if err != nil {
		return out, err
	}
	out.Entitlements, err = all(func(page string) ([]*v2.Entitlement, string, error) {
		got, err := store.ListEntitlements(ctx, &v2.EntitlementsServiceListEntitlementsRequest{PageToken: page})
		return got.GetList(), got.GetNextPageToken(), err
	})
	if err != nil {
		return out, err
	}
	out.Grants, err = all(func(page string) ([]*v2.Grant, string, error) {
		got, err := store.ListGrants(ctx, &v2.GrantsServiceListGrantsRequest{PageToken: page})
		return got.GetList(), got.GetNextPageToken(), err
	})
	return out, err
}

// all follows the pages of a list.
func all[T any](list func(page string) ([]T, string, error)) (out []T, err error) {
	for page := ""; ; {
		rows, next, err := list(page)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
		if next == "" {
			return out, nil
		}
		page = next
	}
}

// Resource finds a resource by its type and id; nil if it is not there.
func (c Contents) Resource(resourceType, id string) *v2.Resource {
	for _, r := range c.Resources {
		if r.GetId().GetResourceType() == resourceType && r.GetId().GetResource() == id {
			return r
		}
	}
	return nil
}

// Entitlement finds an entitlement by its id; nil if it is not there.
func (c Contents) Entitlement(id string) *v2.Entitlement {
	for _, e := range c.Entitlements {
		if e.GetId() == id {
			return e
		}
	}
	return nil
}

// Grant finds a grant by its id; nil if it is not there.
func (c Contents) Grant(id string) *v2.Grant {
	for _, g := range c.Grants {
		if g.GetId() == id {
			return g
		}
	}
	return nil
}
