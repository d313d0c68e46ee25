package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// holdingsBody is the part of a write that lists the roles, in the names of the API. It sends
// back no other field of a scopeRoles entry: an unknown or null field may cause status 400
// (inferred).
type holdingsBody struct {
	Scope      access.Level `json:"scope"`
	ScopeRoles []roleEntry  `json:"scopeRoles"`
}

// roleEntry is a role at a scope; without id at tenant level.
type roleEntry struct {
	ID     string `json:"id,omitempty"`
	RoleID string `json:"roleId"`
}

// newHoldingsBody rejects what a console would reject, and what has an effect that the vendor
// does not describe: an empty list may mean "no role", "unchanged" or a role of the console's
// choice.
//
// read is what the principal holds. Several roles at one scope are sent only if they were read
// so: whether a console has such principals is unknown, but then it must accept them.
func newHoldingsBody(want, read access.Holdings) (holdingsBody, error) {
	body := holdingsBody{Scope: want.Level}
	switch want.Level {
	case access.Tenant, access.AccountLevel, access.SiteLevel:
	default:
		return body, fmt.Errorf("invalid level %q: roles are held at tenant, account or site", want.Level)
	}
	if len(want.Held) == 0 {
		return body, errors.New("the list of roles is empty: what a console does with an empty list is not documented")
	}
	taken := map[string]bool{}
	for _, h := range want.Normal().Held {
		if err := checkHeld(want.Level, h); err != nil {
			return body, err
		}
		if taken[h.ScopeID] && !sameAt(want, read, h.ScopeID) {
			return body, fmt.Errorf("two roles %s: a console accepts one role per scope", place(want.Level, h))
		}
		taken[h.ScopeID] = true
		body.ScopeRoles = append(body.ScopeRoles, roleEntry{ID: h.ScopeID, RoleID: h.RoleID})
	}
	return body, nil
}

// sameAt reports whether both hold the same roles at a scope.
func sameAt(a, b access.Holdings, scope string) bool {
	elsewhere := func(h access.HeldRole) bool { return h.ScopeID != scope }
	a.Held = slices.DeleteFunc(slices.Clone(a.Held), elsewhere)
	b.Held = slices.DeleteFunc(slices.Clone(b.Held), elsewhere)
	return a.Equal(b)
}

func checkHeld(level access.Level, h access.HeldRole) error {
	switch {
	case checkID(h.RoleID) != nil:
		return fmt.Errorf("an entry %s has no role id: ids are digits only", place(level, h))
	case level == access.Tenant && h.ScopeID != "":
		return errors.New("an entry names a scope: roles at tenant level have none")
	case level != access.Tenant && checkID(h.ScopeID) != nil:
		return fmt.Errorf("an entry has no id of its %s: ids are digits only", level)
	}
	return nil
}

// place is the scope of an entry, for an error.
func place(level access.Level, h access.HeldRole) string {
	if level == access.Tenant {
		return "at tenant level"
	}
	return fmt.Sprintf("at %s %q", level, h.ScopeID)
}

// dataBody makes the body `{"data":…}`.
func dataBody(v any) func(token string) ([]byte, error) {
	return func(string) ([]byte, error) {
		return json.Marshal(struct {
			Data any `json:"data"`
		}{v})
	}
}
