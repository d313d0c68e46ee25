package access

import (
	"fmt"
	"slices"
	"strings"
)

// Collection is one list of a console that a sync reads to its end.
type Collection string

// The collections of a console, by the names used in SyncInput, in status and in
// the store.
const (
	Accounts     Collection = "accounts"
	Sites        Collection = "sites"
	Roles        Collection = "roles"
	Users        Collection = "users"
	ServiceUsers Collection = "serviceUsers"
)

// Collections returns every collection, in the order in which they are shown:
// containers first, then roles, then principals.
func Collections() []Collection {
	return []Collection{Accounts, Sites, Roles, Users, ServiceUsers}
}

// ParseCollections checks collection names and returns them in the order of
// [Collections], without repeats. No names mean all collections. The error lists every
// unknown name and the known ones.
func ParseCollections(names []string) ([]Collection, error) {
	if len(names) == 0 {
		return Collections(), nil
	}
	var unknown []string
	for _, name := range names {
		if !slices.Contains(Collections(), Collection(name)) {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("unknown collection %s: choose from %s",
			strings.Join(unknown, ", "), joinCollections(Collections()))
	}
	var chosen []Collection
	for _, c := range Collections() {
		if slices.Contains(names, string(c)) {
			chosen = append(chosen, c)
		}
	}
	return chosen, nil
}

// PrincipalKind is the kind of principal that the collection lists; "" if it lists none.
func (c Collection) PrincipalKind() Kind {
	switch c {
	case Users:
		return User
	case ServiceUsers:
		return ServiceUser
	case Accounts, Sites, Roles:
	}
	return ""
}

func joinCollections(cs []Collection) string {
	names := make([]string, len(cs))
	for i, c := range cs {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}
