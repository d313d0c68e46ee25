package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

const anaEmail = "ana@example.com"

// people are the user that the demo is about, and her sites and role.
type people struct {
	ana   string      // user id
	site  access.Site // where she has the role SOC
	other access.Site // where she has no role
	admin access.Role
}

// scope is her site in the form of --scope: "Account / Site".
func (p people) scope() string { return p.site.AccountName + " / " + p.site.Name }

// otherScope is the site where she has no role, in the form of --scope.
func (p people) otherScope() string { return p.other.AccountName + " / " + p.other.Name }

// preparePeople gives ana, whom every simulated console has, the role SOC at the first site and
// no other role.
func (s *stack) preparePeople(ctx context.Context) (people, error) {
	var truth consoletest.Truth
	if err := s.simulator(ctx, http.MethodGet, "truth", nil, &truth); err != nil {
		return people{}, err
	}
	ana := slices.IndexFunc(truth.Principals, func(p access.Principal) bool { return p.Email == anaEmail })
	soc := predefined(truth.Roles, "SOC")
	admin := predefined(truth.Roles, "Admin")
	if ana < 0 || soc < 0 || admin < 0 || len(truth.Sites) < 2 {
		return people{}, errors.New("the simulated console lacks " + anaEmail +
			", two sites, or the roles SOC and Admin")
	}
	p := people{
		ana: truth.Principals[ana].ID, site: truth.Sites[0], other: truth.Sites[1], admin: truth.Roles[admin],
	}
	return p, s.setRoles(ctx, p.ana, access.SiteLevel, access.HeldRole{RoleID: truth.Roles[soc].ID, ScopeID: p.site.ID})
}

// promoteAna makes ana an Admin of the whole account, as an administrator could on the
// console's own web pages.
func (s *stack) promoteAna(ctx context.Context, p people) error {
	return s.setRoles(ctx, p.ana, access.AccountLevel, access.HeldRole{RoleID: p.admin.ID, ScopeID: p.site.AccountID})
}

func (s *stack) setRoles(ctx context.Context, user string, level access.Level, held ...access.HeldRole) error {
	return s.simulator(ctx, http.MethodPost, "edit",
		map[string]any{"op": "setUserRoles", "id": user, "level": level, "held": held}, nil)
}

func predefined(roles []access.Role, name string) int {
	return slices.IndexFunc(roles, func(r access.Role) bool { return r.Predefined && r.Name == name })
}

// simulator calls the simulator's control API, which real consoles do not have.
func (s *stack) simulator(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, s.console+"/_simulator/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{Timeout: callLimit}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s /_simulator/%s answered %s: %s", method, path, res.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}
