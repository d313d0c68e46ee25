package consoletest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// edit is the body of POST /_simulator/edit; Op decides which fields are used.
type edit struct {
	Op        string            `json:"op"`
	ID        string            `json:"id"`
	TargetID  string            `json:"targetId"`
	N         int               `json:"n"`
	Level     access.Level      `json:"level"`
	Held      []access.HeldRole `json:"held"`
	Principal json.RawMessage   `json:"principal"`
	Account   access.Account    `json:"account"`
	Site      access.Site       `json:"site"`
	Role      access.Role       `json:"role"`
}

// edits are the operations by name. Each applies one edit and returns the ids it affects.
var edits = map[string]func(*Console, edit) ([]string, error){
	"addUser": func(c *Console, e edit) ([]string, error) {
		return addFrom(e.Principal, c.AddUser)
	},
	"addServiceUser": func(c *Console, e edit) ([]string, error) {
		return addFrom(e.Principal, c.AddServiceUser)
	},
	"updateUser": func(c *Console, e edit) ([]string, error) {
		return []string{e.ID}, c.patch(access.User, e.ID, e.Principal)
	},
	"updateServiceUser": func(c *Console, e edit) ([]string, error) {
		return []string{e.ID}, c.patch(access.ServiceUser, e.ID, e.Principal)
	},
	"setUserRoles": func(c *Console, e edit) ([]string, error) {
		return []string{e.ID}, c.SetUserRoles(e.ID, e.Level, e.Held)
	},
	"setServiceUserRoles": func(c *Console, e edit) ([]string, error) {
		return []string{e.ID}, c.SetServiceUserRoles(e.ID, e.Level, e.Held)
	},
	"giveUserRole": func(c *Console, e edit) ([]string, error) { return patchRoles(c.GiveRole, access.User, e) },
	"giveServiceUserRole": func(c *Console, e edit) ([]string, error) {
		return patchRoles(c.GiveRole, access.ServiceUser, e)
	},
	"takeUserRole": func(c *Console, e edit) ([]string, error) { return patchRoles(c.TakeRole, access.User, e) },
	"takeServiceUserRole": func(c *Console, e edit) ([]string, error) {
		return patchRoles(c.TakeRole, access.ServiceUser, e)
	},
	"removeUser":         func(c *Console, e edit) ([]string, error) { return removed(e.ID, c.RemoveUser) },
	"removeServiceUser":  func(c *Console, e edit) ([]string, error) { return removed(e.ID, c.RemoveServiceUser) },
	"removeUsers":        func(c *Console, e edit) ([]string, error) { return c.RemoveUsers(e.N), nil },
	"removeServiceUsers": func(c *Console, e edit) ([]string, error) { return c.RemoveServiceUsers(e.N), nil },
	"addAccount":         func(c *Console, e edit) ([]string, error) { return single(c.AddAccount(e.Account)) },
	"addSite":            func(c *Console, e edit) ([]string, error) { return single(c.AddSite(e.Site)) },
	"removeSite":         func(c *Console, e edit) ([]string, error) { return removed(e.ID, c.RemoveSite) },
	"addRole":            func(c *Console, e edit) ([]string, error) { return single(c.AddRole(e.Role)) },
	"removeRole": func(c *Console, e edit) ([]string, error) {
		return []string{e.ID}, c.RemoveRole(e.ID, e.TargetID)
	},
}

func (c *Console) postEdit(w http.ResponseWriter, r *http.Request) {
	var e edit
	if !read(w, r, &e) {
		return
	}
	do, ok := edits[e.Op]
	if !ok {
		refuse(w, fmt.Errorf("unknown op %q: choose from %s", e.Op,
			strings.Join(slices.Sorted(maps.Keys(edits)), ", ")))
		return
	}
	ids, err := do(c, e)
	if err != nil {
		refuse(w, fmt.Errorf("%s: %w", e.Op, err))
		return
	}
	reply(w, http.StatusOK, map[string][]string{"ids": ids})
}

func addFrom(raw json.RawMessage, add func(access.Principal) (string, error)) ([]string, error) {
	var p access.Principal
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, err
		}
	}
	return single(add(p))
}

func single(id string, err error) ([]string, error) { return []string{id}, err }

func removed(id string, remove func(string) bool) ([]string, error) {
	if !remove(id) {
		return nil, fmt.Errorf("nothing has the id %q", id)
	}
	return []string{id}, nil
}
