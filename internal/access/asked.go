package access

import (
	"strings"
	"time"
)

// Asked is a request in the words of the person who asks, before any name in them is
// looked up. It is what a requester signs: there is no plan yet.
type Asked struct {
	Op        Op                `json:"op"`
	Console   string            `json:"console,omitempty"`
	Principal PrincipalSelector `json:"principal"`
	Role      RoleSelector      `json:"role"`
	Scope     ScopeSelector     `json:"scope"`
	Terms     Terms             `json:"terms"`
}

// Hash is the SHA-256, in hex, over the JSON.
func (a Asked) Hash() string { return digest(a) }

// RequestSignature is what shows, later and without us, that the requester has asked.
type RequestSignature struct {
	Asked Asked `json:"asked"`
	// SignedAt is the time that the signature is over.
	SignedAt  time.Time `json:"signedAt"`
	Signed    string    `json:"signed"` // the key's fingerprint
	Signature string    `json:"signature"`
}

// Differs lists what a plan has otherwise than it was asked for, in words; nothing if
// the plan is about what was asked.
func (a Asked) Differs(p Plan) []string {
	var out []string
	note := func(same bool, what string) {
		if !same {
			out = append(out, what)
		}
	}
	note(a.Op == p.Op, "operation")
	note(a.Console == "" || a.Console == p.Console, "console")
	note(a.Principal.found(p.Principal), "principal")
	note(a.Role.found(p.Role), "role")
	note(a.Scope.found(p.Scope), "scope")
	note(digest(a.Terms) == digest(p.Terms), "terms")
	return out
}

func (s PrincipalSelector) found(r PrincipalRef) bool {
	return s.Validate() == nil && s.Kind == r.Kind &&
		(s.ID == "" || s.ID == r.ID) && named(s.Email, r.Email) && named(s.Name, r.Name)
}

func (s RoleSelector) found(r RoleRef) bool {
	return s.Validate() == nil && (s.ID == "" || s.ID == r.ID) && named(s.Name, r.Name)
}

// found takes a site also by its own name, without its account's.
func (s ScopeSelector) found(r ScopeRef) bool {
	return s.Validate() == nil && s.Level == r.Level && (s.ID == "" || s.ID == r.ID) &&
		(named(s.Name, r.Name) || strings.HasSuffix(Fold(r.Name), " / "+Fold(s.Name)))
}

func named(asked, found string) bool { return asked == "" || Fold(asked) == Fold(found) }
