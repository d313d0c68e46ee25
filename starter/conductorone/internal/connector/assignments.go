package connector

import (
	"context"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/protobuf/proto"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/snapshot"
)

// roleScopes is a part with the roles at scopes that somebody holds.
func roleScopes[T proto.Message](toRow func(*v2.Resource) T) part[T] {
	return func(ctx context.Context, r snapshot.Reader, at position, to *page[T]) (int, error) {
		after := access.Holding{RoleID: at.key(0), Level: access.Level(at.key(1)), ScopeID: at.key(2)}
		found, err := r.RoleScopes(ctx, after, pageRows)
		for _, h := range found {
			if !to.add([]string{h.RoleID, string(h.Level), h.ScopeID}, toRow(assignmentOf(h))) {
				break
			}
		}
		return len(found), err
	}
}

func assignmentOf(h store.RoleScope) *v2.Resource {
	return resources.NewAssignment(h.Holding, resources.Names{Role: h.Role, Scope: h.Scope, Account: h.Account})
}

// holders is a part with one grant for each assignment that read finds.
func holders(
	read func(ctx context.Context, r snapshot.Reader, after access.Assignment, limit int) ([]access.Assignment, error),
	toGrant func(access.Assignment) *v2.Grant,
) part[*v2.Grant] {
	return func(ctx context.Context, r snapshot.Reader, at position, to *page[*v2.Grant]) (int, error) {
		found, err := read(ctx, r, assignmentAt(at), pageRows)
		for _, a := range found {
			if !to.add(assignmentKey(a), toGrant(a)) {
				break
			}
		}
		return len(found), err
	}
}

func members(level access.Level) []part[*v2.Grant] {
	read := func(
		ctx context.Context, r snapshot.Reader, after access.Assignment, limit int,
	) ([]access.Assignment, error) {
		return r.Members(ctx, level, after, limit)
	}
	return []part[*v2.Grant]{holders(read, resources.MemberGrant)}
}

func roleLevels() []part[*v2.Grant] {
	read := func(
		ctx context.Context, r snapshot.Reader, after access.Assignment, limit int,
	) ([]access.Assignment, error) {
		return r.RoleLevels(ctx, after, limit)
	}
	return []part[*v2.Grant]{holders(read, resources.LevelGrant)}
}

// assigned is a part with one grant for each assignment. Those of principals whose roles cannot be changed are
// immutable.
func assigned(source snapshot.Source) part[*v2.Grant] {
	return func(ctx context.Context, r snapshot.Reader, at position, to *page[*v2.Grant]) (int, error) {
		found, err := r.Assignments(ctx, assignmentAt(at), pageRows)
		if err != nil {
			return 0, err
		}
		fixed, err := untouchable(ctx, source, r, found)
		for _, a := range found {
			is := fixed[principal{a.PrincipalKind, a.PrincipalID}]
			if !to.add(assignmentKey(a), resources.AssignedGrant(a, is)) {
				break
			}
		}
		return len(found), err
	}
}

type principal struct {
	kind access.Kind
	id   string
}

// untouchable are the principals of assignments whose roles must not be changed.
func untouchable(
	ctx context.Context, source snapshot.Source, r snapshot.Reader, of []access.Assignment,
) (map[principal]bool, error) {
	self, err := source.OwnUser(ctx)
	if err != nil {
		return nil, err
	}
	ids := map[access.Kind][]string{}
	for i, a := range of { // sorted by principal
		if i == 0 || a.PrincipalKind != of[i-1].PrincipalKind || a.PrincipalID != of[i-1].PrincipalID {
			ids[a.PrincipalKind] = append(ids[a.PrincipalKind], a.PrincipalID)
		}
	}
	out := map[principal]bool{}
	for kind, some := range ids {
		found, err := r.PrincipalsNamed(ctx, kind, some)
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			if access.Untouchable(p, self != "" && self == p.ID) != "" {
				out[principal{kind, p.ID}] = true
			}
		}
	}
	return out, nil
}

func assignmentAt(at position) access.Assignment {
	return access.Assignment{
		PrincipalKind: access.Kind(at.key(0)), PrincipalID: at.key(1), RoleID: at.key(2),
		Level: access.Level(at.key(3)), ScopeID: at.key(4),
	}
}

func assignmentKey(a access.Assignment) []string {
	return []string{string(a.PrincipalKind), a.PrincipalID, a.RoleID, string(a.Level), a.ScopeID}
}
