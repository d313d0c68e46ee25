// Package snapshot finds the one proven snapshot that a sync of ConductorOne reads, and keeps to it.
package snapshot

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// Reader reads one proven snapshot, page by page: see [store.Pinned], which implements it.
type Reader interface {
	// Snapshot is the snapshot that is read.
	Snapshot() store.Snapshot

	// The lists have at most limit rows after a key, sorted; the zero key comes before all.
	Accounts(ctx context.Context, after string, limit int) ([]access.Account, error)
	Sites(ctx context.Context, after string, limit int) ([]access.Site, error)
	Roles(ctx context.Context, after string, limit int) ([]access.Role, error)
	Principals(ctx context.Context, kind access.Kind, after string, limit int) ([]access.Principal, error)
	// RoleScopes are the different pairs of a role and a scope that somebody holds.
	RoleScopes(ctx context.Context, after access.Holding, limit int) ([]store.RoleScope, error)
	Assignments(ctx context.Context, after access.Assignment, limit int) ([]access.Assignment, error)
	// Members are the principals that hold a role at an account or site itself, once for each scope.
	Members(ctx context.Context, level access.Level, after access.Assignment, limit int) ([]access.Assignment, error)
	// RoleLevels are the principals that hold a role at a level, once for each role.
	RoleLevels(ctx context.Context, after access.Assignment, limit int) ([]access.Assignment, error)
	// Unlisted are the ids of roles, accounts or sites that assignments name and the snapshot does not have.
	Unlisted(ctx context.Context, c access.Collection, after string, limit int) ([]string, error)
	// IsAssigned reports whether assignments name a role, an account or a site.
	IsAssigned(ctx context.Context, c access.Collection, id string) (bool, error)

	// The lookups by id are nil where the snapshot has none.
	Account(ctx context.Context, id string) (*access.Account, error)
	Site(ctx context.Context, id string) (*access.Site, error)
	Role(ctx context.Context, id string) (*access.Role, error)
	// Principal has the roles that it holds; PrincipalsNamed leaves them out.
	Principal(ctx context.Context, kind access.Kind, id string) (*access.Principal, error)
	PrincipalsNamed(ctx context.Context, kind access.Kind, ids []string) ([]access.Principal, error)
}

var _ Reader = (*store.Pinned)(nil)

// Source gives readers of a console's proven snapshots. Its errors are sentences for people.
type Source interface {
	// Pin is the reader for one sync of ConductorOne: the same snapshot for each call with one syncID, also in another
	// process, and never one that is older than allowed; it has a sync run if it must. With an id of a snapshot, which
	// a page token names, it is that snapshot.
	Pin(ctx context.Context, syncID, snapshotID string) (Reader, error)
	// Latest is the reader of the last proven snapshot, whatever its age, to look things up.
	Latest(ctx context.Context) (Reader, error)
	// OwnUser is the id of the user whose API token the worker uses; "" if that is not known.
	OwnUser(ctx context.Context) (string, error)
}
