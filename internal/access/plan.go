package access

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// PrincipalRef is a principal that was found on the console.
type PrincipalRef struct {
	Kind  Kind   `json:"kind"`
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

// Ref is the principal without its roles.
func (p Principal) Ref() PrincipalRef {
	return PrincipalRef{Kind: p.Kind, ID: p.ID, Name: p.Name, Email: p.Email}
}

// RoleRef is a role that was found on the console.
type RoleRef struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// ScopeRef is a scope that was found on the console.
type ScopeRef struct {
	Level Level  `json:"level"`
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"` // of a site "Account / Site"
}

// Terms are the parts of a request besides principal, role and scope.
type Terms struct {
	Requester string    `json:"requester"` // as claimed
	Reason    string    `json:"reason,omitempty"`
	StartAt   time.Time `json:"startAt,omitzero"`
	// Duration is how long the role is granted; 0 means permanently.
	Duration         Duration `json:"duration,omitzero"`
	AllowLevelChange bool     `json:"allowLevelChange,omitempty"`
	// BreakGlass requests emergency access: it starts at once and is reviewed afterwards.
	BreakGlass bool `json:"breakGlass,omitempty"`
}

// WindowEnd is when a window is over that has a named start and a length; zero if the terms name none.
func (t Terms) WindowEnd() time.Time {
	if t.StartAt.IsZero() || t.Duration == 0 {
		return time.Time{}
	}
	return t.StartAt.Add(time.Duration(t.Duration)).UTC()
}

// Plan is the effect of a request, worked out before anyone decides on it. A decision
// names the plan's hash.
type Plan struct {
	Op        Op           `json:"op"`
	Console   string       `json:"console"`
	Principal PrincipalRef `json:"principal"`
	Role      RoleRef      `json:"role"`
	Scope     ScopeRef     `json:"scope"`
	// Scopes are all scopes, if the request lists several; Scope is then the first of them.
	Scopes []ScopeRef `json:"scopes,omitempty"`
	Terms  Terms      `json:"terms"`
	Rules  Rules      `json:"rules"`
	// Account is the account to create; Principal then has no id.
	Account *NewAccount `json:"account,omitempty"`
	// Rotation is the token to make, of a request with [OpRotate]; nil for others.
	Rotation *TokenRotation `json:"rotation,omitempty"`
	// Effect is what people approve. It is nil in plans of old requests, of new accounts and of
	// rotations of tokens, which people approve as a whole.
	Effect *Effect `json:"effect,omitempty"`
	// Before and After are all roles of the principal when the plan was made.
	Before Holdings `json:"before"`
	After  Holdings `json:"after"`
	// Expected is the outcome if the plan were applied now.
	Expected Outcome `json:"expected"`
	// Outcomes are those at each of Scopes.
	Outcomes []ScopeOutcome `json:"outcomes,omitempty"`
	// Notes are consequences that an approver must know, one clause each.
	Notes    []string `json:"notes,omitempty"`
	Approval Approval `json:"approval"`
	// Refusal says why the request cannot be carried out; "" if it can.
	Refusal string `json:"refusal,omitempty"`
	Hash    string `json:"hash"`
}

// Holding is the role and scope that the request names; the first, if it names several scopes.
func (p Plan) Holding() Holding {
	return Holding{Level: p.Scope.Level, RoleID: p.Role.ID, ScopeID: p.Scope.ID}
}

// Seal is the plan with its hash: the SHA-256, in hex, of the plan's JSON with an empty hash. A
// plan with an effect is hashed without Before, After and Notes: they change with every other
// grant to the principal.
func (p Plan) Seal() Plan {
	p.Hash = ""
	hashed := p
	if p.Effect != nil {
		hashed.Before, hashed.After, hashed.Notes = Holdings{}, Holdings{}, nil
	}
	p.Hash = digest(hashed)
	return p
}

// Intact says whether the plan is unchanged since it was sealed, as [Receipt.Intact] does.
func (p Plan) Intact() bool {
	if p.Seal().Hash == p.Hash {
		return true
	}
	if p.Effect != nil {
		p.Effect = new(*p.Effect)
	}
	p.Lists(func(h *Holdings) { h.listed = false })
	return p.Seal().Hash == p.Hash
}

// digest hashes the JSON of a value, which must hold no maps: the order of fields is
// that of the type.
func digest(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // cannot happen: no field can fail to encode
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
