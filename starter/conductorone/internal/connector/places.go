package connector

import (
	"context"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/protobuf/proto"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/snapshot"
)

// tenants is the one tenant, which scopes of role assignments point to.
func tenants(_ context.Context, r snapshot.Reader, _ position, to *page[*v2.Resource]) (int, error) {
	to.add(nil, resources.NewTenant(r.Snapshot().Console))
	return 1, nil
}

// entities is a part with the entities of one collection, and of each what make gives.
func entities[E access.Entity, T proto.Message](
	read func(ctx context.Context, r snapshot.Reader, after string, limit int) ([]E, error), toRows func(E) []T,
) part[T] {
	return func(ctx context.Context, r snapshot.Reader, at position, to *page[T]) (int, error) {
		found, err := read(ctx, r, at.key(0), pageRows)
		for _, e := range found {
			if !to.add([]string{e.Key()}, toRows(e)...) {
				break
			}
		}
		return len(found), err
	}
}

// unlisted is a part with what assignments name although the console does not list it, so that ConductorOne does not
// drop those assignments. Only its id is known.
func unlisted[E access.Entity, T proto.Message](
	c access.Collection, withID func(id string) E, toRows func(E) []T,
) part[T] {
	return entities(func(ctx context.Context, r snapshot.Reader, after string, limit int) ([]E, error) {
		ids, err := r.Unlisted(ctx, c, after, limit)
		out := make([]E, len(ids))
		for i, id := range ids {
			out[i] = withID(id)
		}
		return out, err
	}, toRows)
}

func readAccounts(ctx context.Context, r snapshot.Reader, after string, limit int) ([]access.Account, error) {
	return r.Accounts(ctx, after, limit)
}

func readSites(ctx context.Context, r snapshot.Reader, after string, limit int) ([]access.Site, error) {
	return r.Sites(ctx, after, limit)
}

func readRoles(ctx context.Context, r snapshot.Reader, after string, limit int) ([]access.Role, error) {
	return r.Roles(ctx, after, limit)
}

func readPrincipals(
	kind access.Kind,
) func(ctx context.Context, r snapshot.Reader, after string, limit int) ([]access.Principal, error) {
	return func(ctx context.Context, r snapshot.Reader, after string, limit int) ([]access.Principal, error) {
		return r.Principals(ctx, kind, after, limit)
	}
}

func accountRows[T proto.Message](toRows func(access.Account) []T) []part[T] {
	return []part[T]{
		entities(readAccounts, toRows),
		unlisted(access.Accounts, func(id string) access.Account { return access.Account{ID: id} }, toRows),
	}
}

func sites[T proto.Message](toRows func(access.Site) []T) []part[T] {
	return []part[T]{
		entities(readSites, toRows),
		unlisted(access.Sites, func(id string) access.Site { return access.Site{ID: id} }, toRows),
	}
}

func roles[T proto.Message](toRows func(access.Role) []T) []part[T] {
	return []part[T]{
		entities(readRoles, toRows),
		unlisted(access.Roles, func(id string) access.Role { return access.Role{ID: id} }, toRows),
	}
}

// only makes one row of each.
func only[E, T any](toRow func(E) T) func(E) []T {
	return func(e E) []T { return []T{toRow(e)} }
}
