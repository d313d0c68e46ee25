package sync

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
)

// page is one page of any collection.
type page struct {
	entities   []access.Entity
	next       string
	total      *int
	unassigned int
}

// readPage reads the page that options select.
func (s *Activities) readPage(ctx context.Context, c access.Collection, options console.ListOptions) (page, error) {
	switch c {
	case access.Accounts:
		return pageOf(s.console.Accounts(ctx, options))
	case access.Sites:
		return pageOf(s.console.Sites(ctx, options))
	case access.Roles:
		got, err := s.console.Roles(ctx, options)
		return pageOf(rolesOnly(got), err)
	case access.Users:
		return pageOf(s.console.Users(ctx, options))
	case access.ServiceUsers:
		return pageOf(s.console.ServiceUsers(ctx, options))
	}
	return page{}, kinds.New(kinds.Invalid, fmt.Errorf("unknown collection %q", c))
}

func pageOf[T access.Entity](p console.Page[T], err error) (page, error) {
	if err != nil {
		return page{}, err
	}
	out := page{
		entities: make([]access.Entity, len(p.Items)),
		next:     p.Next, total: p.Total, unassigned: p.Unassigned,
	}
	for i, item := range p.Items {
		out.entities[i] = item
	}
	return out, nil
}

func rolesOnly(p console.Page[console.RoleRow]) console.Page[access.Role] {
	out := console.Page[access.Role]{Items: make([]access.Role, len(p.Items)), Next: p.Next, Total: p.Total}
	for i, row := range p.Items {
		out.Items[i] = row.Role
	}
	return out
}
