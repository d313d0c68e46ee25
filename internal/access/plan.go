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

// Terms are what a person asks for beside principal, role and scope.
type Terms struct {
	Requester string    `json:"requester"` // as claimed
	Reason    string    `json:"reason,omitempty"`
	StartAt   time.Time `json:"startAt,omitzero"`
	// Duration is how long the role is wanted; 0 means for good.
	Duration         Duration `json:"duration,omitzero"`
	AllowLevelChange bool     `json:"allowLevelChange,omitempty"`
	// BreakGlass asks to start at once, and to be reviewed afterwards.
	BreakGlass bool `json:"breakGlass,omitempty"`
}

// Plan is what a request means, worked out before anyone is asked. People consent to
// its hash.
type Plan struct {
	Op        Op           `json:"op"`
	Console   string       `json:"console"`
	Principal PrincipalRef `json:"principal"`
	Role      RoleRef      `json:"role"`
	Scope     ScopeRef     `json:"scope"`
	Terms     Terms        `json:"terms"`
	Rules     Rules        `json:"rules"`
	// Account is who is to be made, where that is asked for; Principal has no id then.
	Account *NewAccount `json:"account,omitempty"`
	Before  Holdings    `json:"before"`
	After   Holdings    `json:"after"`
	// Expected is what applying it would come to, as things are.
	Expected Outcome `json:"expected"`
	// Notes are consequences that a person must know, in words.
	Notes    []string `json:"notes,omitempty"`
	Approval Approval `json:"approval"`
	// Refusal says why it cannot be carried out; "" if it can.
	Refusal string `json:"refusal,omitempty"`
	Hash    string `json:"hash"`
}

// Holding is what the request is about.
func (p Plan) Holding() Holding {
	return Holding{Level: p.Scope.Level, RoleID: p.Role.ID, ScopeID: p.Scope.ID}
}

// Seal fills in the hash: SHA-256, in hex, over the plan's JSON with an empty hash.
func (p Plan) Seal() Plan {
	p.Hash = ""
	p.Hash = digest(p)
	return p
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
