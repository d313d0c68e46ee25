package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// people is who the demo is about.
type people struct {
	ana     string // user id of ana@example.com
	site    access.Site
	account access.Account
	admin   access.Role
}

// scope is the site as commands take it: "Account / Site".
func (p people) scope() string { return p.account.Name + " / " + p.site.Name }

// addAna gives the simulated console a user with a known address: ana, who
// answers alarms (SOC) at one site.
func (s *stack) addAna(ctx context.Context) (people, error) {
	var truth consoletest.Truth
	if err := s.simulator(ctx, http.MethodGet, "truth", nil, &truth); err != nil {
		return people{}, err
	}
	if len(truth.Sites) == 0 {
		return people{}, fmt.Errorf("the simulated console has no sites")
	}
	p := people{site: truth.Sites[0]}
	for _, a := range truth.Accounts {
		if a.ID == p.site.AccountID {
			p.account = a
		}
	}
	soc, err := predefined(truth.Roles, "SOC")
	if err != nil {
		return people{}, err
	}
	if p.admin, err = predefined(truth.Roles, "Admin"); err != nil {
		return people{}, err
	}
	var added struct {
		IDs []string `json:"ids"`
	}
	err = s.simulator(ctx, http.MethodPost, "edit", map[string]any{
		"op": "addUser",
		"principal": access.Principal{
			Email: "ana@example.com", Name: "Ana Roy", Level: access.SiteLevel,
			Held: []access.Held{{RoleID: soc.ID, ScopeID: p.site.ID}},
		},
	}, &added)
	if err != nil {
		return people{}, err
	}
	if len(added.IDs) != 1 {
		return people{}, fmt.Errorf("the simulated console added %d users instead of one", len(added.IDs))
	}
	p.ana = added.IDs[0]
	return p, nil
}

// promoteAna makes ana an Admin of the whole account, as somebody at the
// console's own web pages might.
func (s *stack) promoteAna(ctx context.Context, p people) error {
	return s.simulator(ctx, http.MethodPost, "edit", map[string]any{
		"op": "setUserRoles", "id": p.ana, "level": access.AccountLevel,
		"held": []access.Held{{RoleID: p.admin.ID, ScopeID: p.account.ID}},
	}, nil)
}

func predefined(roles []access.Role, name string) (access.Role, error) {
	for _, r := range roles {
		if r.Predefined && r.Name == name {
			return r, nil
		}
	}
	return access.Role{}, fmt.Errorf("the simulated console has no predefined role %s", name)
}

// simulator calls the simulator's control API, which steers it and is no part of
// a real console.
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
	res, err := (&http.Client{Timeout: askLimit}).Do(req)
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
