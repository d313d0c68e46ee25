package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// lost receives what the console shows now, and returns how many of the users and of the assignments that are gone
// the claims explain.
func (d *driftScene) lost() (users, assignments store.Loss) {
	d.Helper()
	d.later()
	require.NoError(d, d.s.Begin(d.Context(), store.BeginInput{Console: acme, ID: "lossy", StartedAt: d.now}))
	for _, c := range access.Collections() {
		drain(d.T, d.s, "lossy", c, 1, 100, d.w)
	}
	a, err := d.s.Assess(d.Context(), "lossy")
	require.NoError(d, err)
	explained, err := d.s.ExplainLosses(d.Context(), "lossy", a.Losses)
	require.NoError(d, err)
	require.Len(d, explained, len(a.Losses))
	for i, l := range explained {
		require.Zero(d, a.Losses[i].Explained)
		switch l.What {
		case string(access.Users):
			users = l
		case store.Assignments:
			assignments = l
		default:
			require.Equal(d, a.Losses[i], l)
		}
	}
	return users, assignments
}

// ended is a lease of carol's SOC at Oslo that was released just now.
func (d *driftScene) ended(name string) store.Claim {
	c := d.lease(name, time.Hour)
	c.Began, c.State, c.ClosedAt = d.now.Add(-3*time.Hour), store.ClaimClosed, d.now
	return c
}

// other is another change of carol's roles, just now.
func (d *driftScene) other(name string, op store.ClaimOp, h access.Holding) store.Claim {
	c := d.lease(name, 0)
	c.Op, c.Holding, c.Due, c.Why = op, h, time.Time{}, ""
	if op == store.ClaimRevoke || op == store.ClaimDelete {
		c.State, c.ClosedAt = store.ClaimClosed, d.now
	}
	return c
}

func with(c store.Claim, change func(c *store.Claim)) store.Claim {
	change(&c)
	return c
}

var (
	carolBerlin   = access.Holding{Level: access.SiteLevel, RoleID: "302", ScopeID: "201"}
	adminAtOslo   = access.Holding{Level: access.SiteLevel, RoleID: "301", ScopeID: "202"}
	socAtGlobex   = access.Holding{Level: access.AccountLevel, RoleID: "302", ScopeID: "102"}
	lossAtOslo    = []access.HeldRole{globex, acmeSite}
	lossOfAllHeld = []access.HeldRole{{RoleID: "302", ScopeID: "102"}}
)

// Of what a sync would drop, the claims explain what requests on record have ended or replaced since the last sync,
// unless a claim in force gives it.
func TestExplainLosses_Assignments(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		claims func(d *driftScene) []store.Claim
		after  []access.HeldRole // of carol; she held SOC at three sites
		want   int
	}{
		"no claim": {func(*driftScene) []store.Claim { return nil }, lossAtOslo, 0},
		"released": {func(d *driftScene) []store.Claim { return []store.Claim{d.ended("1")} }, lossAtOslo, 1},
		"released, and more is gone": {func(d *driftScene) []store.Claim {
			return []store.Claim{d.ended("1")}
		}, lossOfAllHeld, 1},
		"released by two leases": {func(d *driftScene) []store.Claim {
			return []store.Claim{d.ended("1"), d.ended("2")}
		}, lossAtOslo, 1},
		"released while the last sync ran": {func(d *driftScene) []store.Claim {
			return []store.Claim{with(d.ended("1"), func(c *store.Claim) {
				c.ClosedAt = d.now.Add(-time.Hour - 30*time.Second)
			})}
		}, lossAtOslo, 1},
		"released before the last sync": {func(d *driftScene) []store.Claim {
			return []store.Claim{with(d.ended("1"), func(c *store.Claim) {
				c.ClosedAt = d.now.Add(-time.Hour - 2*time.Minute)
			})}
		}, lossAtOslo, 0},
		"released, of somebody else": {func(d *driftScene) []store.Claim {
			return []store.Claim{with(d.ended("1"), func(c *store.Claim) { c.Principal.ID = "402" })}
		}, lossAtOslo, 0},
		"released, at another site": {func(d *driftScene) []store.Claim {
			return []store.Claim{with(d.ended("1"), func(c *store.Claim) { c.Holding = carolBerlin })}
		}, lossAtOslo, 0},
		"released without a request": {func(d *driftScene) []store.Claim {
			return []store.Claim{with(d.ended("1"), func(c *store.Claim) { c.Authorized = false })}
		}, lossAtOslo, 0},
		"released, which takes nothing away": {func(d *driftScene) []store.Claim {
			return []store.Claim{with(d.ended("1"), func(c *store.Claim) { c.WasHeld = true })}
		}, lossAtOslo, 0},
		"in force": {func(d *driftScene) []store.Claim {
			return []store.Claim{d.lease("1", time.Hour)}
		}, lossAtOslo, 0},
		"replaced by hand": {func(d *driftScene) []store.Claim {
			return []store.Claim{with(d.lease("1", time.Hour), func(c *store.Claim) { c.State = store.ClaimLost })}
		}, lossAtOslo, 0},
		"released, another lease in force": {func(d *driftScene) []store.Claim {
			return []store.Claim{d.lease("1", time.Hour), d.ended("2")}
		}, lossAtOslo, 0},
		"revoked": {func(d *driftScene) []store.Claim {
			return []store.Claim{d.other("1", store.ClaimRevoke, carolOslo)}
		}, lossAtOslo, 1},
		"revoked, not proven": {func(d *driftScene) []store.Claim {
			return []store.Claim{with(d.other("1", store.ClaimRevoke, carolOslo), func(c *store.Claim) {
				c.Proven = false
			})}
		}, lossAtOslo, 0},
		"revoked and given again": {func(d *driftScene) []store.Claim {
			return []store.Claim{d.other("1", store.ClaimRevoke, carolOslo), d.other("2", store.ClaimGrant, carolOslo)}
		}, lossAtOslo, 0},
		"replaced by a lease": {func(d *driftScene) []store.Claim {
			return []store.Claim{with(d.lease("1", time.Hour), func(c *store.Claim) { c.Holding = adminAtOslo })}
		}, lossAtOslo, 1},
		"replaced by a lease that has ended": {func(d *driftScene) []store.Claim {
			return []store.Claim{with(d.ended("1"), func(c *store.Claim) { c.Holding, c.Began = adminAtOslo, d.now })}
		}, lossAtOslo, 0},
		"replaced by a write that is not proven": {func(d *driftScene) []store.Claim {
			return []store.Claim{with(d.lease("1", time.Hour), func(c *store.Claim) {
				c.Holding, c.Proven = adminAtOslo, false
			})}
		}, lossAtOslo, 0},
		"replaced long ago": {func(d *driftScene) []store.Claim {
			return []store.Claim{with(d.other("1", store.ClaimGrant, adminAtOslo), func(c *store.Claim) {
				c.Began = d.now.Add(-3 * time.Hour)
			})}
		}, lossAtOslo, 0},
		"moved to another level": {func(d *driftScene) []store.Claim {
			return []store.Claim{d.other("1", store.ClaimGrant, socAtGlobex)}
		}, lossOfAllHeld, 3},
		"offboarded to one role": {func(d *driftScene) []store.Claim {
			return []store.Claim{d.other("1", store.ClaimReset, carolBerlin)}
		}, []access.HeldRole{acmeSite}, 2},
		"offboarded to one role, which is gone": {func(d *driftScene) []store.Claim {
			return []store.Claim{d.other("1", store.ClaimReset, carolOslo)}
		}, lossAtOslo, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(db database) {
				d := newDriftScene(db)
				d.edit("403", globex, acmeSite, oslo)
				d.sync()
				d.claim(c.claims(d)...)
				carol := d.w.principals["403"]
				if slices.Equal(c.after, lossOfAllHeld) {
					carol.Level = access.AccountLevel
				}
				carol.Held = c.after
				d.w.principals["403"] = carol
				users, assignments := d.lost()
				require.Zero(t, users.Gone+users.Explained)
				require.Equal(t, c.want, assignments.Explained)
				require.GreaterOrEqual(t, assignments.Gone, 1)
			})
		})
	}
}

// Principals that a request has deleted are explained with all that they held; others that are gone are not, whatever
// of their roles has ended.
func TestExplainLosses_Principals(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		claim              func(d *driftScene) store.Claim
		users, assignments int
	}{
		"deleted": {func(d *driftScene) store.Claim {
			return d.other("1", store.ClaimDelete, access.Holding{})
		}, 1, 3},
		"deleted, not proven": {func(d *driftScene) store.Claim {
			return with(d.other("1", store.ClaimDelete, access.Holding{}), func(c *store.Claim) { c.Proven = false })
		}, 0, 0},
		"deleted without a request": {func(d *driftScene) store.Claim {
			return with(d.other("1", store.ClaimDelete, access.Holding{}), func(c *store.Claim) {
				c.Authorized = false
			})
		}, 0, 0},
		"deleted before the last sync": {func(d *driftScene) store.Claim {
			return with(d.other("1", store.ClaimDelete, access.Holding{}), func(c *store.Claim) {
				c.ClosedAt = d.now.Add(-2 * time.Hour)
			})
		}, 0, 0},
		"another was deleted": {func(d *driftScene) store.Claim {
			return with(d.other("1", store.ClaimDelete, access.Holding{}), func(c *store.Claim) {
				c.Principal = ledger.Subject{Kind: access.ServiceUser, ID: "403"}
			})
		}, 0, 0},
		"one role has ended": {func(d *driftScene) store.Claim { return d.ended("1") }, 0, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(db database) {
				d := newDriftScene(db)
				d.edit("403", globex, acmeSite, oslo)
				d.sync()
				d.claim(c.claim(d))
				delete(d.w.principals, "403")
				delete(d.w.principals, "402") // by hand
				users, assignments := d.lost()
				require.Equal(t, store.Loss{What: "users", Before: 3, Gone: 2, Explained: c.users}, users)
				require.Equal(t, store.Loss{What: store.Assignments, Before: 6, Gone: 4, Explained: c.assignments},
					assignments)
			})
		})
	}
}
