package sync

import (
	"context"

	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// assessment is what a snapshot is judged by.
type assessment struct {
	store.Assessment

	roles []console.RoleRow            // with the console's own count of members
	seen  map[string]store.RoleMembers // by role id
}

// assess asks the console beside the store, since the one takes as long as the other. A
// snapshot that is decided needs no console.
func (s *Activities) assess(ctx context.Context, in wire.SyncSettleInput) (o assessment, err error) {
	asking, stop := context.WithCancel(ctx)
	defer stop()
	var listing errgroup.Group
	if comparesMembers(in) {
		listing.Go(func() (err error) {
			o.roles, err = s.countedRoles(asking)
			return err
		})
	}
	o.Assessment, err = s.store.Assess(ctx, in.Snapshot)
	if err == nil && comparesMembers(in) {
		o.seen, err = s.store.Members(ctx, in.Snapshot)
	}
	if err != nil {
		stop()
	}
	if listed := listing.Wait(); err == nil {
		err = listed
	}
	return o, err
}
