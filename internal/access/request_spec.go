package access

import (
	"strings"
	"time"
)

// RequestSpec is a request in the words of the person who asks, before any name in them is
// looked up. It is what a requester signs: there is no plan yet.
type RequestSpec struct {
	Op        Op                `json:"op"`
	Console   string            `json:"console,omitempty"`
	Principal PrincipalSelector `json:"principal"`
	Role      RoleSelector      `json:"role"`
	Scope     ScopeSelector     `json:"scope"`
	Terms     Terms             `json:"terms"`
	// Account is who is to be made, and TokenLife how long its token is to live where that
	// is asked for instead of an end; Principal is empty then.
	Account   *NewAccount `json:"account,omitempty"`
	TokenLife Duration    `json:"tokenLife,omitzero"`
}

// Hash is the SHA-256, in hex, over the JSON.
func (a RequestSpec) Hash() string { return digest(a) }

// RequestSignature is what shows, later and without us, that the requester has asked.
type RequestSignature struct {
	// Request is what the requester has signed, by its hash.
	Request RequestSpec `json:"request"`
	// SignedAt is the time that the signature is over; At is when the request was started.
	SignedAt  time.Time `json:"signedAt"`
	At        time.Time `json:"at,omitzero"`
	Signed    string    `json:"signed"` // the key's fingerprint
	Signature string    `json:"signature"`
}

// Differences lists what a plan has otherwise than it was asked for, in words; nothing if
// the plan is about what was asked.
func (a RequestSpec) Differences(p Plan) []string {
	var out []string
	note := func(same bool, what string) {
		if !same {
			out = append(out, what)
		}
	}
	note(a.Op == p.Op, "operation")
	note(a.Console == "" || a.Console == p.Console, "console")
	if a.Account != nil || p.Account != nil {
		note(a.Principal == PrincipalSelector{} && a.matchesAccount(p), "account")
	} else {
		note(a.Principal.matches(p.Principal), "principal")
	}
	if a.Op == OpDelete { // of which there is no role
		note(a.Role == RoleSelector{} && p.Role == RoleRef{}, "role")
		note(a.Scope == ScopeSelector{} && p.Scope == ScopeRef{}, "scope")
	} else {
		note(a.Role.matches(p.Role), "role")
		note(a.Scope.matches(p.Scope), "scope")
	}
	note(digest(a.Terms) == digest(p.Terms), "terms")
	return out
}

// matchesAccount says whether the plan is to make the account, or has found it there. When a
// token ends of which the life was asked for, a plan cannot show.
func (a RequestSpec) matchesAccount(p Plan) bool {
	if a.Account == nil || p.Account == nil {
		return false
	}
	want, got := *a.Account, *p.Account
	if a.TokenLife != 0 {
		want.TokenExpiresAt, got.TokenExpiresAt = time.Time{}, time.Time{}
	}
	same := want.TokenExpiresAt.Equal(got.TokenExpiresAt)
	want.TokenExpiresAt, got.TokenExpiresAt = time.Time{}, time.Time{}
	who := a.Account.Ref()
	return same && want == got && who.Kind == p.Principal.Kind && Fold(who.Email) == Fold(p.Principal.Email) &&
		(who.Kind == User || Fold(who.Name) == Fold(p.Principal.Name))
}

func (s PrincipalSelector) matches(r PrincipalRef) bool {
	return s.Validate() == nil && s.Kind == r.Kind &&
		(s.ID == "" || s.ID == r.ID) && nameMatches(s.Email, r.Email) && nameMatches(s.Name, r.Name)
}

func (s RoleSelector) matches(r RoleRef) bool {
	return s.Validate() == nil && (s.ID == "" || s.ID == r.ID) && nameMatches(s.Name, r.Name)
}

// matches takes a site also by its own name, without its account's.
func (s ScopeSelector) matches(r ScopeRef) bool {
	return s.Validate() == nil && s.Level == r.Level && (s.ID == "" || s.ID == r.ID) &&
		(nameMatches(s.Name, r.Name) || strings.HasSuffix(Fold(r.Name), " / "+Fold(s.Name)))
}

func nameMatches(asked, found string) bool { return asked == "" || Fold(asked) == Fold(found) }
