// Command inmemory is a connector that makes the rows of a console of a known size out of nothing, for `make bench`:
// what it takes is the time of the SDK, against which that of our connector is measured.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/field"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/scale"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

// pageRows is as many rows as our connector sends at once.
const pageRows = 1000

func main() {
	config.RunConnector(context.Background(), "inmemory", "0.0.0", field.NewConfiguration(nil), open)
}

func open(context.Context, *settings.Settings, *cli.ConnectorOpts) (
	connectorbuilder.ConnectorBuilderV2, []connectorbuilder.Opt, error,
) {
	c := &console{held: map[access.Holding]bool{}}
	if err := json.Unmarshal([]byte(os.Getenv("BENCH_SIZE")), &c.size); err != nil {
		return nil, nil, fmt.Errorf("BENCH_SIZE: %w", err)
	}
	for n := range c.size.Users + c.size.ServiceUsers {
		for _, a := range c.assignments(c.principal(n)) {
			if h := (access.Holding{RoleID: a.RoleID, Level: a.Level, ScopeID: a.ScopeID}); !c.held[h] {
				c.held[h], c.pairs = true, append(c.pairs, h)
			}
		}
	}
	return c, nil, nil
}

// console has what the pages are made of.
type console struct {
	size  scale.Size
	held  map[access.Holding]bool
	pairs []access.Holding
}

func (*console) Metadata(context.Context) (*v2.ConnectorMetadata, error) {
	return &v2.ConnectorMetadata{DisplayName: "in memory"}, nil
}

func (*console) Validate(context.Context) (annotations.Annotations, error) { return nil, nil }

func (c *console) ResourceSyncers(context.Context) (out []connectorbuilder.ResourceSyncerV2) {
	for _, id := range resources.Types() {
		out = append(out, &syncer{console: c, id: id})
	}
	return out
}

func (c *console) assignments(of access.Collection, n int) []access.Assignment {
	p, _ := c.size.Entity(of, n).(access.Principal)
	return p.Assignments()
}

// principals are the users, and then the service users.
func (c *console) principal(n int) (access.Collection, int) {
	if n < c.size.Users {
		return access.Users, n
	}
	return access.ServiceUsers, n - c.size.Users
}

type syncer struct {
	*console

	id string
}

func (s *syncer) ResourceType(context.Context) *v2.ResourceType { return resources.Type(s.id, false) }

func (s *syncer) count() int {
	switch s.id {
	case resources.Account:
		return s.size.Accounts
	case resources.Site:
		return s.size.Sites
	case resources.Role:
		return s.size.Roles
	case resources.User:
		return s.size.Users
	case resources.ServiceUser:
		return s.size.ServiceUsers
	case resources.RoleAssignment:
		return len(s.pairs)
	}
	return 1
}

func (s *syncer) resource(n int) *v2.Resource {
	switch s.id {
	case resources.Account:
		a, _ := s.size.Entity(access.Accounts, n).(access.Account)
		return resources.NewAccount(a)
	case resources.Site:
		site, _ := s.size.Entity(access.Sites, n).(access.Site)
		return resources.NewSite(site)
	case resources.Role:
		r, _ := s.size.Entity(access.Roles, n).(access.Role)
		return resources.NewRole(r)
	case resources.User:
		p, _ := s.size.Entity(access.Users, n).(access.Principal)
		return resources.NewPrincipal(p)
	case resources.ServiceUser:
		p, _ := s.size.Entity(access.ServiceUsers, n).(access.Principal)
		return resources.NewPrincipal(p)
	case resources.RoleAssignment:
		return resources.NewAssignment(s.pairs[n],
			resources.Names{Role: "Role 1", Scope: "Site 1000", Account: "Account 1"})
	}
	return resources.NewTenant("acmeco.example.net")
}

func (s *syncer) List(
	_ context.Context, _ *v2.ResourceId, opts rs.SyncOpAttrs,
) ([]*v2.Resource, *rs.SyncOpResults, error) {
	return page(opts, s.count(), func(n int) []*v2.Resource { return []*v2.Resource{s.resource(n)} })
}

func (s *syncer) EntitlementsForResourceType(
	_ context.Context, _ string, opts rs.SyncOpAttrs,
) ([]*v2.Entitlement, *rs.SyncOpResults, error) {
	return page(opts, s.count(), func(n int) []*v2.Entitlement {
		if s.id == resources.RoleAssignment {
			return []*v2.Entitlement{resources.AssignedTo(s.resource(n))}
		}
		return []*v2.Entitlement{resources.Members(s.resource(n))}
	})
}

func (s *syncer) GrantsForResourceType(
	_ context.Context, _ string, opts rs.SyncOpAttrs,
) ([]*v2.Grant, *rs.SyncOpResults, error) {
	rows := s.size.Users + s.size.ServiceUsers
	if s.id == resources.Account {
		rows = 0 // all roles are at sites
	}
	return page(opts, rows, func(n int) (out []*v2.Grant) {
		for _, a := range s.assignments(s.principal(n)) {
			if s.id == resources.Site {
				out = append(out, resources.MemberGrant(a))
			} else {
				out = append(out, resources.AssignedGrant(a, false))
			}
		}
		return out
	})
}

func (*syncer) Entitlements(
	context.Context, *v2.Resource, rs.SyncOpAttrs,
) ([]*v2.Entitlement, *rs.SyncOpResults, error) {
	return nil, nil, nil
}

func (*syncer) Grants(context.Context, *v2.Resource, rs.SyncOpAttrs) ([]*v2.Grant, *rs.SyncOpResults, error) {
	return nil, nil, nil
}

// page makes the rows of one page out of so many.
func page[T any](opts rs.SyncOpAttrs, rows int, of func(n int) []T) (out []T, next *rs.SyncOpResults, err error) {
	from := 0
	if token := opts.PageToken.Token; token != "" {
		if from, err = strconv.Atoi(token); err != nil {
			return nil, nil, err
		}
	}
	for n := from; n < rows; n++ {
		if out = append(out, of(n)...); len(out) >= pageRows {
			return out, &rs.SyncOpResults{NextPageToken: strconv.Itoa(n + 1)}, nil
		}
	}
	return out, &rs.SyncOpResults{}, nil
}
