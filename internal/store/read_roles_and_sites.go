package store

import (
	"context"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// RolesAndSites lists the roles and sites of a console that readers see now, sorted by id.
// Without a proven snapshot it is [ErrNoSnapshot].
func (s *Store) RolesAndSites(ctx context.Context, console string) ([]access.Role, []access.Site, error) {
	var (
		roles []access.Role
		sites []access.Site
	)
	err := s.read(ctx, func(q queryer) error {
		v := view{q: q, d: s.d, console: console, at: microsOrMax(nil)}
		if _, err := latest(ctx, q, console, v.at); err != nil {
			return err
		}
		found, err := v.places(ctx)
		if err != nil {
			return err
		}
		roles = sorted(found.roles, func(r access.Role) string { return r.ID })
		sites = sorted(found.sites, func(s access.Site) string { return s.ID })
		return nil
	})
	return roles, sites, err
}

func sorted[T any](byID map[string]T, id func(T) string) []T {
	out := make([]T, 0, len(byID))
	for _, one := range byID {
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b T) int { return strings.Compare(id(a), id(b)) })
	return out
}
