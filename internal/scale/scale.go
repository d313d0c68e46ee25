// Package scale fills a store with a console of any size, for tests and benchmarks of what is read
// from it.
package scale

import (
	"context"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// Size is how many of each a console has. Each user and service user holds two roles, at two sites.
type Size struct {
	Accounts     int `json:"accounts"`
	Sites        int `json:"sites"`
	Roles        int `json:"roles"`
	Users        int `json:"users"`
	ServiceUsers int `json:"serviceUsers"`
}

// Million has a million users and two million assignments.
func Million() Size { return Size{Accounts: 100, Sites: 10_000, Roles: 23, Users: 1_000_000} }

const (
	pageSize = 1000
	heldEach = 2
	// stride is prime to every size in use, so that addresses are in another order than ids.
	stride = 7_368_787
)

var began = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// Fill syncs a console of a size into a store as the worker does, page by page, under the id of a
// new snapshot.
func Fill(ctx context.Context, s *store.Store, console, snapshot string, size Size) error {
	if err := s.Begin(ctx, store.BeginInput{Console: console, ID: snapshot, StartedAt: began}); err != nil {
		return err
	}
	for _, c := range access.Collections() {
		if err := size.drain(ctx, s, snapshot, c); err != nil {
			return fmt.Errorf("fill the %s: %w", c, err)
		}
	}
	_, err := s.Promote(ctx, snapshot, store.PromoteInput{Collections: access.Collections()})
	return err
}

func (z Size) drain(ctx context.Context, s *store.Store, snapshot string, c access.Collection) error {
	if _, err := s.StartDrain(ctx, snapshot, c, 1); err != nil {
		return err
	}
	rows := z.of(c)
	for page := 0; page == 0 || page*pageSize < rows; page++ {
		in := store.SavePageInput{
			Snapshot: snapshot, Collection: c, Attempt: 1, Page: page, Cursor: fmt.Sprint(page),
			Last: (page+1)*pageSize >= rows, Requests: 1, Total: &rows,
		}
		for n := page * pageSize; n < min(rows, (page+1)*pageSize); n++ {
			in.Entities = append(in.Entities, z.Entity(c, n))
		}
		if err := s.SavePage(ctx, in); err != nil {
			return err
		}
		if _, err := s.LoadPage(ctx, snapshot, c, 1); err != nil {
			return err
		}
	}
	_, err := s.Drained(ctx, snapshot, c, 1)
	return err
}

func (z Size) of(c access.Collection) int {
	switch c {
	case access.Accounts:
		return z.Accounts
	case access.Sites:
		return z.Sites
	case access.Roles:
		return z.Roles
	case access.Users:
		return z.Users
	case access.ServiceUsers:
		return z.ServiceUsers
	}
	return 0
}

// Email is the address of the user with a number.
func (z Size) Email(n int) string {
	return fmt.Sprintf("user%07d@example.com", n*stride%max(z.Users, 1))
}

// Name is the name of the user with a number.
func (Size) Name(n int) string { return fmt.Sprintf("Ana Example %d", n) }

// ID is the id of the one of a collection with a number.
func ID(c access.Collection, n int) string {
	base := map[access.Collection]int{
		access.Accounts: 1e17, access.Sites: 2e17, access.Roles: 3e17, access.Users: 4e17,
		access.ServiceUsers: 5e17,
	}
	return fmt.Sprint(base[c] + n*7919)
}

// Role is the name of the role with a number.
func Role(n int) string { return fmt.Sprintf("Role %d", n) }

// Entity is the one of a collection with a number; a principal has its roles.
func (z Size) Entity(c access.Collection, n int) access.Entity {
	id := ID(c, n)
	switch c {
	case access.Accounts:
		return access.Account{ID: id, Name: fmt.Sprintf("Account %d", n), State: "active"}
	case access.Sites:
		return access.Site{
			ID: id, Name: fmt.Sprintf("Site %d", n), AccountID: ID(access.Accounts, n%z.Accounts), State: "active",
		}
	case access.Roles:
		return access.Role{ID: id, Name: Role(n), Predefined: n < 6, Scope: access.Tenant}
	case access.Users, access.ServiceUsers:
	}
	created, active := began.Add(time.Duration(-n)*time.Minute), began.Add(time.Duration(n)*time.Second)
	p := access.Principal{
		Kind: access.User, ID: id, Name: z.Name(n), Email: z.Email(n), Level: access.SiteLevel, Source: "mgmt",
		EmailVerified: true, CreatedAt: &created, LastActiveAt: &active,
	}
	if c == access.ServiceUsers {
		p = access.Principal{
			Kind: access.ServiceUser, ID: id, Name: fmt.Sprintf("service %d", n), Level: access.SiteLevel,
			CreatedAt: &created, LastActiveAt: &active,
		}
	}
	for k := range heldEach {
		p.Held = append(p.Held, access.HeldRole{
			RoleID: ID(access.Roles, (n+k)%z.Roles), ScopeID: ID(access.Sites, (n*31+k*17)%z.Sites),
		})
	}
	return p
}
