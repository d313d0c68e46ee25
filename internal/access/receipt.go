package access

import (
	"slices"
	"time"
)

// Write is one request that may have changed the console.
type Write struct {
	At   time.Time `json:"at"`
	Call string    `json:"call"` // "PUT /users/418828136350235435"
	// Status is the console's; 0 when no answer came.
	Status int      `json:"status,omitempty"`
	Error  string   `json:"error,omitempty"` // what went wrong, or was said
	Before Holdings `json:"before"`
	After  Holdings `json:"after"` // what was sent
}

// Read is one look at the console that proves something.
type Read struct {
	At       time.Time `json:"at"`
	Holdings Holdings  `json:"holdings"`
	Gone     bool      `json:"gone,omitempty"` // the console does not know the principal
}

// Proof is the evidence of one change: every write and the read-backs that settled
// what became of them.
type Proof struct {
	Op      Op       `json:"op"`
	Key     string   `json:"key"` // of the change
	Outcome Outcome  `json:"outcome"`
	Before  Holdings `json:"before"`
	After   Holdings `json:"after"`
	Writes  []Write  `json:"writes,omitempty"`
	// Omitted counts writes left out between the first ones and the last: a change that
	// was refused for weeks has thousands, all of them in the ledger.
	Omitted int    `json:"omitted,omitempty"`
	Reads   []Read `json:"reads"`
	// Drift says what others changed by hand.
	Drift []string `json:"drift,omitempty"`
	// Confirmed says that the absence was read a second time, after a pause.
	Confirmed bool `json:"confirmed,omitempty"`
	// Made is the principal that the change made.
	Made *PrincipalRef `json:"made,omitempty"`
	// Token says where the token of a service user went that was made.
	Token *TokenPlace `json:"token,omitempty"`
}

// The most writes that a proof lists, from the first and to the last.
const (
	firstWrites = 5
	lastWrites  = 20
)

// WithWrites is the proof with its writes, the middle of many left out.
func (p Proof) WithWrites(all []Write) Proof {
	p.Writes, p.Omitted = all, 0
	if most := firstWrites + lastWrites; len(all) > most {
		p.Omitted = len(all) - most
		p.Writes = slices.Concat(all[:firstWrites], all[len(all)-lastWrites:])
	}
	return p
}

// Granted says that the change gave the role, or found it there.
func (p Proof) Granted() bool { return p.Outcome == Applied || p.Outcome == AlreadyHeld }

// Receipt is the evidence of one finished request.
type Receipt struct {
	Request string `json:"request"` // workflow id
	Run     string `json:"run"`
	Plan    Plan   `json:"plan"`
	State   string `json:"state"`
	// Outcome is the last change's; "" when nothing was tried.
	Outcome Outcome `json:"outcome,omitempty"`
	// Message says in words why it ended so, where that is not obvious.
	Message string  `json:"message,omitempty"`
	Proofs  []Proof `json:"proofs"`
	// Decisions are all that were taken, those on a plan that changed afterwards too.
	Decisions []Decision `json:"decisions,omitempty"`
	// Extensions are the times that somebody moved its end.
	Extensions []Extension `json:"extensions,omitempty"`
	// RequestSignature is the requester's own; nil when the name is as claimed.
	RequestSignature *RequestSignature `json:"requestSignature,omitempty"`
	// Signed says how it is known who asked and decided: see [Receipt.HowSigned].
	Signed     string    `json:"signed"`
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
	Hash       string    `json:"hash"`
}

// How it is known who asked and decided.
const (
	Unsigned     = "unsigned"      // all names are taken as claimed
	PartlySigned = "partly signed" // some are
	AllSigned    = "signed"        // the request and every decision that counted are signed
)

// HowSigned says of how many who asked and decided there is a signature that was
// verified.
func (r Receipt) HowSigned() string {
	signed, all := 0, 1+len(r.Decisions)
	if r.RequestSignature != nil {
		signed++
	}
	for _, d := range r.Decisions {
		if d.Signed != Unsigned && d.Signed != "" {
			signed++
		}
	}
	switch signed {
	case 0:
		return Unsigned
	case all:
		return AllSigned
	}
	return PartlySigned
}

// Seal fills in the hash: SHA-256, in hex, over the receipt's JSON with an empty hash.
func (r Receipt) Seal() Receipt {
	if r.Proofs == nil {
		r.Proofs = []Proof{}
	}
	r.Hash = ""
	r.Hash = digest(r)
	return r
}

// Intact says whether the receipt is as it was sealed.
func (r Receipt) Intact() bool { return r.Hash != "" && r.Seal().Hash == r.Hash }
