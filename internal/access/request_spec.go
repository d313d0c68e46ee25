package access

import (
	"strings"
	"time"
)

// RequestSpec is a request as the requester wrote it, before any name in it is looked up.
// The requester signs it, since there is no plan yet.
type RequestSpec struct {
	Op        Op                `json:"op"`
	Console   string            `json:"console,omitempty"`
	Principal PrincipalSelector `json:"principal"`
	Role      RoleSelector      `json:"role"`
	Scope     ScopeSelector     `json:"scope"`
	// Scopes are the scopes of a request that lists several; Scope is then empty.
	Scopes []ScopeSelector `json:"scopes,omitempty"`
	Terms  Terms           `json:"terms"`
	// Account is the account to create; Principal is then empty. TokenLife is how long its
	// token lives, if the request gives that instead of an expiry.
	Account   *NewAccount `json:"account,omitempty"`
	TokenLife Duration    `json:"tokenLife,omitzero"`
	// Rotation is the token to make, of a request with [OpRotate]; nil for others. TokenLife is how long
	// it lives, if the request gives that instead of an expiry.
	Rotation *TokenRotation `json:"rotation,omitempty"`
}

// Hash is the SHA-256, in hex, over the JSON.
func (a RequestSpec) Hash() string { return digest(a) }

// RequestSignature proves, without this system, that the requester made the request.
type RequestSignature struct {
	// Request is what the requester has signed, by its hash.
	Request RequestSpec `json:"request"`
	// SignedAt is the time in the signed statement; At is when the request was started.
	SignedAt  time.Time `json:"signedAt"`
	At        time.Time `json:"at,omitzero"`
	Signed    string    `json:"signed"` // the key's fingerprint
	Signature string    `json:"signature"`
}

// Differences names the parts in which a plan differs from the request, such as "role";
// nil if the plan is about this request.
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
	if a.Op == OpDelete || a.Op == OpRotate { // names no role
		note(a.Role == RoleSelector{} && p.Role == RoleRef{}, "role")
		note(a.Scope == ScopeSelector{} && p.Scope == ScopeRef{}, "scope")
	} else {
		note(a.Role.matches(p.Role), "role")
		note(a.matchesScopes(p), "scope")
	}
	note(a.matchesRotation(p), "token")
	note(digest(a.Terms) == digest(p.Terms), "terms")
	return out
}

// matchesAccount says whether the plan creates the requested account, or found it on the
// console. If the request gives a token's life, the expiry in the plan is not compared.
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
		(who.Kind == User || FoldLabel(who.Name) == FoldLabel(p.Principal.Name))
}

func (s PrincipalSelector) matches(r PrincipalRef) bool {
	return s.Validate() == nil && s.Kind == r.Kind &&
		(s.ID == "" || s.ID == r.ID) && nameMatches(s.Email, r.Email) && nameMatches(s.Name, r.Name)
}

func (s RoleSelector) matches(r RoleRef) bool {
	return s.Validate() == nil && (s.ID == "" || s.ID == r.ID) && nameMatches(s.Name, r.Name)
}

// matchesScopes compares the scopes in their order.
func (a RequestSpec) matchesScopes(p Plan) bool {
	if len(a.Scopes) == 0 {
		return len(p.Scopes) == 0 && a.Scope.matches(p.Scope)
	}
	same := a.Scope == ScopeSelector{} && len(a.Scopes) == len(p.Scopes) && p.Scopes[0] == p.Scope
	for i := range a.Scopes {
		same = same && a.Scopes[i].matches(p.Scopes[i])
	}
	return same
}

// matches accepts the name of a site with or without its account's.
func (s ScopeSelector) matches(r ScopeRef) bool {
	return s.Validate() == nil && s.Level == r.Level && (s.ID == "" || s.ID == r.ID) &&
		(nameMatches(s.Name, r.Name) || strings.HasSuffix(FoldLabel(r.Name), " / "+FoldLabel(s.Name)))
}

func nameMatches(requested, found string) bool {
	return requested == "" || FoldLabel(requested) == FoldLabel(found)
}
