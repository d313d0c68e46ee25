package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// grantInputs produces grants that each change something: for every principal a role at one site
// after the other.
type grantInputs struct {
	principals []string // ids of users
	sites      []string
	role       string

	mu   sync.Mutex
	made int
}

// sitesForGrants is the number of sites, and so the most grants per principal.
const sitesForGrants = 60

// newGrantInputs creates the principals on a simulated console.
func newGrantInputs(ctx context.Context, url string, principals int) (*grantInputs, error) {
	var truth consoletest.Truth
	if err := control(ctx, http.MethodGet, url+"/_simulator/truth", nil, &truth); err != nil {
		return nil, err
	}
	out := &grantInputs{}
	for _, s := range truth.Sites {
		out.sites = append(out.sites, s.ID)
	}
	for _, r := range truth.Roles {
		if r.Predefined {
			out.role = r.ID
		}
	}
	if out.role == "" || len(out.sites) < 2 {
		return nil, errors.New("the simulated console has no predefined role, or fewer than two sites")
	}
	for i := range principals {
		email := fmt.Sprintf("ana%d@example.com", i)
		var made struct {
			IDs []string `json:"ids"`
		}
		err := control(ctx, http.MethodPost, url+"/_simulator/edit", map[string]any{
			"op": "addUser", "principal": access.Principal{
				Kind: access.User, Email: email, Name: email, Level: access.SiteLevel,
				Held: []access.HeldRole{{RoleID: out.role, ScopeID: out.sites[0]}},
			},
		}, &made)
		if err != nil {
			return nil, err
		}
		out.principals = append(out.principals, made.IDs...)
	}
	return out, nil
}

// next returns a grant that was not requested before.
func (a *grantInputs) next() (wire.GrantInput, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	round := 1 + a.made/len(a.principals) // each principal has a role at the first site already
	if round >= len(a.sites) {
		return wire.GrantInput{}, fmt.Errorf("%d grants for %d principals are more than the console has "+
			"sites for: lower --grants or --in-flight, or raise --principals", a.made, len(a.principals))
	}
	id := a.principals[a.made%len(a.principals)]
	a.made++
	return wire.GrantInput{
		Principal: access.PrincipalSelector{Kind: access.User, ID: id}, Role: access.RoleSelector{ID: a.role},
		Scope:     access.ScopeSelector{Level: access.SiteLevel, ID: a.sites[round]},
		Requester: "bob@example.com", Reason: "INC-42",
	}, nil
}

// control calls the simulator's control API, which real consoles do not have.
func control(ctx context.Context, method, url string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s %s: %s: %s", method, url, resp.Status, text)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
