package access

import "time"

// Extension records that the end of a grant was moved to a later time.
type Extension struct {
	At       time.Time `json:"at"`       // when it was approved
	By       string    `json:"by"`       // who asked for it; a claim, unless it is signed
	Duration Duration  `json:"duration"` // added
	EndsAt   time.Time `json:"endsAt"`   // the end from then on
	// Asked is what people approved. It is nil in records of extensions that nobody had to
	// approve, which grants of earlier versions have.
	Asked *ExtensionRequest `json:"asked,omitempty"`
	// Decisions are those on the extension that counted. Their PlanHash is the hash of Asked.
	Decisions []Decision `json:"decisions,omitempty"`
}

// ExtensionRequest is an extension as people decide on it. A decision names its hash in the
// place of a plan's.
type ExtensionRequest struct {
	Request  string    `json:"request"`  // workflow id of the grant
	Run      string    `json:"run"`      // original run id
	PlanHash string    `json:"planHash"` // of the grant's plan
	At       time.Time `json:"at"`       // when the workflow took it
	By       string    `json:"by"`       // who asks for it
	Duration Duration  `json:"duration"` // to add
	From     time.Time `json:"from"`     // the end so far
	EndsAt   time.Time `json:"endsAt"`   // the end that results
	Comment  string    `json:"comment,omitempty"`
	// Approval says who must approve it: those whom the grant asked, or whom the policy of that
	// hash asks for as long as the grant would last in all.
	Approval Approval `json:"approval"`
	// Signed says how it is known who asks: [Unsigned], or the key's fingerprint.
	Signed    string `json:"signed,omitempty"`
	Signature string `json:"signature,omitempty"`
	// SignedAt is the time that the signature is over.
	SignedAt time.Time `json:"signedAt,omitzero"`
	Hash     string    `json:"hash"`
}

// Seal is the extension with its hash: the SHA-256, in hex, of its JSON with an empty hash and
// without the signature, which is over the same facts.
func (e ExtensionRequest) Seal() ExtensionRequest {
	bare := e
	bare.Hash, bare.Signed, bare.Signature, bare.SignedAt = "", "", "", time.Time{}
	e.Hash = digest(bare)
	return e
}
