// Package grantworld is the simulated console on which tests of grants begin: one user,
// who holds one role at one site, and the roles that tests grant to it.
//
// Only tests import it.
package grantworld

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// Options are those of a console with six sites, and without users other than those that
// a test adds.
func Options() consoletest.Options { return consoletest.Options{Seed: 31, Sites: 6, Users: -1} }

// World is a console with the principals and roles of a test.
type World struct {
	Console *consoletest.Server
	// Viewer is at the first site: what each added user holds.
	Viewer access.Holding
	// SOC is at the second site, where no added user holds a role.
	SOC access.Holding
	// Admin is at the second site too: it would replace SOC there.
	Admin access.Holding

	t *testing.T
}

// New reads the roles and sites of a console.
func New(t *testing.T, console *consoletest.Server) *World {
	t.Helper()
	w := &World{Console: console, t: t}
	w.Viewer, w.SOC, w.Admin = w.AtSite("Viewer", 0), w.AtSite("SOC", 1), w.AtSite("Admin", 1)
	return w
}

// RoleID is the id of a predefined role.
func (w *World) RoleID(name string) string {
	w.t.Helper()
	for _, role := range w.Console.Truth().Roles {
		if role.Predefined && role.Name == name {
			return role.ID
		}
	}
	require.Fail(w.t, "no predefined role", name)
	return ""
}

// AtSite is a predefined role at a site, counted from 0.
func (w *World) AtSite(role string, site int) access.Holding {
	w.t.Helper()
	return access.Holding{
		Level: access.SiteLevel, RoleID: w.RoleID(role), ScopeID: w.Console.Truth().Sites[site].ID,
	}
}

// AddUser adds a user who holds Viewer, and more roles at sites.
func (w *World) AddUser(email string, more ...access.Holding) access.Principal {
	w.t.Helper()
	return w.Add(access.Principal{Kind: access.User, Email: email, Name: email}, more...)
}

// Add adds a principal who holds Viewer, and more roles at sites. The result has its id
// and its roles.
func (w *World) Add(p access.Principal, more ...access.Holding) access.Principal {
	w.t.Helper()
	p.Level, p.Held = w.Viewer.Level, []access.HeldRole{Role(w.Viewer)}
	for _, h := range more {
		p.Held = append(p.Held, Role(h))
	}
	add := w.Console.AddUser
	if p.Kind == access.ServiceUser {
		add = w.Console.AddServiceUser
	}
	id, err := add(p)
	require.NoError(w.t, err)
	p.ID = id
	return p
}

// HoldingsOf is what a principal holds on the console now: nothing if it is not there.
func (w *World) HoldingsOf(kind access.Kind, id string) access.Holdings {
	for _, p := range w.Console.Truth().Principals {
		if p.Kind == kind && p.ID == id {
			return p.Holdings()
		}
	}
	return access.Holdings{}
}

// Role is the part of a holding that the console keeps in a principal's list.
func Role(h access.Holding) access.HeldRole {
	return access.HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID}
}

// Holdings are roles as one principal's list, at the level of the last of them; none are
// an empty list at the level of sites.
func Holdings(roles ...access.Holding) access.Holdings {
	out := access.Holdings{Level: access.SiteLevel}
	for _, h := range roles {
		out.Level = h.Level
		out.Held = append(out.Held, Role(h))
	}
	return out.Normal()
}
