package connector_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/starter/conductorone/internal/settings"
	"sentinelone-provisioner/starter/conductorone/internal/storetest"
)

// The ids that ConductorOne keys history by are those of the stock connector, written out here, and those of roles at
// scopes.
func TestSync_Ids(t *testing.T) {
	t.Parallel()
	s, _ := storetest.Open(t)
	storetest.Sync(t, s, "one", time.Now(), storetest.Small())
	got := sync(t, serve(t, s, settings.Config{StockCompatible: true}))
	require.ElementsMatch(t, []string{
		"tenant:tenant", "account:101", "account:102", "site:201", "site:202", "site:203", "site:204",
		"role:301", "role:302", "role:303", "user:401", "user:402", "user:403", "service_user:501",
		"role_assignment:301-tenant", "role_assignment:303-tenant", "role_assignment:303-101",
		"role_assignment:302-101", "role_assignment:302-201", "role_assignment:302-202", "role_assignment:302-203",
	}, got.resourceIDs())
	require.ElementsMatch(t, []string{
		"account:101:member", "account:102:member",
		"site:201:member", "site:202:member", "site:203:member", "site:204:member",
		"role:301:account scope", "role:301:site scope", "role:301:tenant scope",
		"role:302:account scope", "role:302:site scope", "role:302:tenant scope",
		"role:303:account scope", "role:303:site scope", "role:303:tenant scope",
		"role_assignment:301-tenant:assigned", "role_assignment:303-tenant:assigned",
		"role_assignment:303-101:assigned", "role_assignment:302-101:assigned", "role_assignment:302-201:assigned",
		"role_assignment:302-202:assigned", "role_assignment:302-203:assigned",
	}, got.entitlementIDs())
	require.ElementsMatch(t, []string{
		"account:101:member:user:402",
		"site:201:member:user:403", "site:203:member:user:403", "site:202:member:service_user:501",
		"role:301:tenant scope:user:401", "role:303:tenant scope:user:401", "role:303:account scope:user:402",
		"role:302:account scope:user:402", "role:302:site scope:user:403", "role:302:site scope:service_user:501",
		"role_assignment:301-tenant:assigned:user:401", "role_assignment:303-tenant:assigned:user:401",
		"role_assignment:303-101:assigned:user:402", "role_assignment:302-101:assigned:user:402",
		"role_assignment:302-203:assigned:user:403", "role_assignment:302-201:assigned:user:403",
		"role_assignment:302-202:assigned:service_user:501",
	}, got.grantIDs())
}

func (s seen) resourceIDs() (out []string) {
	for _, r := range s.resources {
		out = append(out, r.GetId().GetResourceType()+":"+r.GetId().GetResource())
	}
	return out
}

func (s seen) entitlementIDs() (out []string) {
	for _, e := range s.entitlements {
		out = append(out, e.GetId())
	}
	return out
}

func (s seen) grantIDs() (out []string) {
	for _, g := range s.grants {
		out = append(out, g.GetId())
	}
	return out
}
