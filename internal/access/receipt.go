package access

import (
	"slices"
	"time"
)

// Write is one HTTP request that may have changed the console.
type Write struct {
	At   time.Time `json:"at"`
	Call string    `json:"call"` // "PUT /users/418828136350235435"
	// Status is the console's; 0 when no answer came.
	Status int      `json:"status,omitempty"`
	Error  string   `json:"error,omitempty"` // of the connection, or from the console
	Before Holdings `json:"before"`
	After  Holdings `json:"after"` // what was sent
	// Gains and Loses are what After has more and less than Before. They are set where one of those
	// lists is long, and so left out.
	Gains Holdings `json:"gains,omitzero"`
	Loses Holdings `json:"loses,omitzero"`
	// Restores says that the write came after the proof of its change: a write of ours that was cut off had arrived
	// late, and this one restores what that replaced, also what other requests have given.
	Restores bool `json:"restores,omitempty"`
}

// Between is the write that replaces one list of roles by another.
func (w Write) Between(before, after Holdings) Write {
	w.Before, w.After = before, after
	if before.IsLong() || after.IsLong() {
		w.Gains, w.Loses = minus(after, before), minus(before, after)
	}
	return w
}

// Gained is what After has more than Before. It is brief where that is not known role by role.
func (w Write) Gained() Holdings {
	if w.Before.IsBrief() || w.After.IsBrief() {
		return w.Gains
	}
	return minus(w.After, w.Before)
}

// Lost is what After has less than Before. It is brief where that is not known role by role.
func (w Write) Lost() Holdings {
	if w.Before.IsBrief() || w.After.IsBrief() {
		return w.Loses
	}
	return minus(w.Before, w.After)
}

// minus is what a has and b has not.
func minus(a, b Holdings) Holdings {
	out := Holdings{Level: a.Level, Held: []HeldRole{}}
	for _, h := range lost(a.Normal(), b) {
		out.Held = append(out.Held, h.entry())
	}
	return out
}

// Read is one read of a principal from the console, as evidence.
type Read struct {
	At       time.Time `json:"at"`
	Holdings Holdings  `json:"holdings"`
	Gone     bool      `json:"gone,omitempty"` // the principal is not on the console
	// Shown lists those roles of the change that Holdings has, where that is long, and so left out.
	Shown []Holding `json:"shown,omitempty"`
}

// About is the read with Shown, for a change that names those roles.
func (r Read) About(named []Holding) Read {
	r.Shown = nil
	if !r.Holdings.IsLong() {
		return r
	}
	for _, h := range named {
		if r.Holdings.Holds(h) {
			r.Shown = append(r.Shown, h)
		}
	}
	return r
}

// Holds says whether the read shows a role. Of a list that was left out, it knows the roles that
// the change names.
func (r Read) Holds(h Holding) bool {
	if r.Holdings.IsBrief() {
		return slices.Contains(r.Shown, h)
	}
	return r.Holdings.Holds(h)
}

// Proof is the evidence of one change: every write, and the reads that showed its result.
type Proof struct {
	Op      Op      `json:"op"`
	Key     string  `json:"key"` // of the change
	Outcome Outcome `json:"outcome"`
	// Scopes has the outcome at each scope, if the change names several; Outcome sums them up.
	Scopes []ScopeOutcome `json:"scopes,omitempty"`
	Before Holdings       `json:"before"`
	After  Holdings       `json:"after"`
	Writes []Write        `json:"writes,omitempty"`
	// Omitted counts the writes left out between the first and the last ones. A change that
	// was rejected for weeks has thousands; the ledger has all of them.
	Omitted int    `json:"omitted,omitempty"`
	Reads   []Read `json:"reads"`
	// Drift has one sentence for each hand edit that was found.
	Drift []string `json:"drift,omitempty"`
	// Confirmed is set if a second read, after a pause, showed the absence too.
	Confirmed bool `json:"confirmed,omitempty"`
	// Made is the principal that the change created.
	Made *PrincipalRef `json:"made,omitempty"`
	// Token says where the token of the created service user was stored.
	Token *TokenPlace `json:"token,omitempty"`
}

// The most writes that a proof lists, from the first and to the last.
const (
	firstWrites = 5
	lastWrites  = 20
)

// WithWrites is the proof with the writes, at most 25: it omits the middle of more.
func (p Proof) WithWrites(all []Write) Proof {
	p.Writes, p.Omitted = all, 0
	if most := firstWrites + lastWrites; len(all) > most {
		p.Omitted = len(all) - most
		p.Writes = slices.Concat(all[:firstWrites], all[len(all)-lastWrites:])
	}
	return p
}

// Summary is the proof without writes, reads and lists: what was done, and how it ended.
func (p Proof) Summary() Proof {
	return Proof{
		Op: p.Op, Key: p.Key, Outcome: p.Outcome, Scopes: p.Scopes, Reads: []Read{}, Confirmed: p.Confirmed,
		Made: p.Made, Token: p.Token,
	}
}

// MaxReappearances is how many reads in a row must show a role again, after one did not, until
// it counts as given again by hand.
const MaxReappearances = 3

// Granted says whether the principal has the role: the change wrote it or found it.
func (p Proof) Granted() bool { return p.Outcome == Applied || p.Outcome == AlreadyHeld }

// Attempted says whether the change was tried: something was written, or found as it should be.
func (p Proof) Attempted() bool {
	idle := p.Outcome.Refused() || p.Outcome == PlanChanged || p.Outcome == NotApplied
	return !idle || len(p.Writes)+p.Omitted > 0
}

// Receipt is the evidence of one finished request.
type Receipt struct {
	Request string `json:"request"` // workflow id
	Run     string `json:"run"`
	Plan    Plan   `json:"plan"`
	State   string `json:"state"`
	// Outcome is that of the last change; "" if none was tried.
	Outcome Outcome `json:"outcome,omitempty"`
	// Message explains the outcome where it is not obvious.
	Message string  `json:"message,omitempty"`
	Proofs  []Proof `json:"proofs"`
	// Decisions are all decisions, including those on plans that were replaced later.
	Decisions []Decision `json:"decisions,omitempty"`
	// Extensions are the moves of the end, oldest first.
	Extensions []Extension `json:"extensions,omitempty"`
	// Stop is who cancelled the request or ended its access; nil if nobody did.
	Stop *Stop `json:"stop,omitempty"`
	// Facts are what the policy has read besides the plan; nil in receipts of versions up to 0.4.0.
	Facts *PolicyFacts `json:"facts,omitempty"`
	// RequestSignature is the requester's; nil if the name is only claimed.
	RequestSignature *RequestSignature `json:"requestSignature,omitempty"`
	// Signed says whether requester and approvers signed: see [Receipt.HowSigned].
	Signed string `json:"signed"`
	// LedgerHead is the head of the ledger before the receipt went into it; nil in receipts of
	// versions up to 0.4.0.
	LedgerHead *LedgerHead `json:"ledgerHead,omitempty"`
	// SignedMeans says in a sentence what it means that not all names are verified; "" if all
	// are. Receipts of 0.4.0 lack it.
	SignedMeans string `json:"signedMeans,omitempty"`

	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
	Hash       string    `json:"hash"`
}

// Whether the requester and the approvers signed.
const (
	Unsigned     = "unsigned"      // all names are taken as claimed
	PartlySigned = "partly signed" // some are
	AllSigned    = "signed"        // the request, and every decision, extension and stop that counted, are signed
)

// SignedMeans says in a sentence what [Receipt.Signed] leaves open; "" if all names are verified.
func SignedMeans(signed string) string {
	switch signed {
	case AllSigned:
		return ""
	case PartlySigned:
		return "names without a signature are claims: one person can stand behind several of them"
	}
	return "names are claims: one person can be the requester, both approvers and the reviewer"
}

// HowSigned says whether verified signatures of the requester, of all decisions, of who asked
// for extensions and of who stopped it are in the receipt: all, some or none.
func (r Receipt) HowSigned() string {
	all := []bool{r.RequestSignature != nil}
	add := func(signed string) { all = append(all, signed != Unsigned && signed != "") }
	for _, d := range r.Decisions {
		add(d.Signed)
	}
	for _, x := range r.Extensions {
		if x.Asked == nil {
			add(Unsigned)
			continue
		}
		add(x.Asked.Signed)
		for _, d := range x.Decisions {
			add(d.Signed)
		}
	}
	if r.Stop != nil {
		add(r.Stop.Signed)
	}
	switch {
	case !slices.Contains(all, true):
		return Unsigned
	case !slices.Contains(all, false):
		return AllSigned
	}
	return PartlySigned
}

// Shortened is the receipt without the long lists that entries of versions up to 0.5.0 have. A plan
// without an effect keeps its lists, since they are in its hash.
func (r Receipt) Shortened() Receipt {
	r.Proofs = slices.Clone(r.Proofs)
	for i, p := range r.Proofs {
		p.Before, p.After = p.Before.Normal(), p.After.Normal()
		p.Writes, p.Reads = slices.Clone(p.Writes), slices.Clone(p.Reads)
		for k, w := range p.Writes {
			if w.Before.listed || w.After.listed {
				p.Writes[k] = w.Between(w.Before.Normal(), w.After.Normal())
			}
		}
		for k, read := range p.Reads {
			if read.Holdings.listed {
				read.Holdings = read.Holdings.Normal()
				p.Reads[k] = read.About(r.Plan.Holdings())
			}
		}
		r.Proofs[i] = p
	}
	if r.Plan.Effect != nil {
		r.Plan.Before, r.Plan.After = r.Plan.Before.Normal(), r.Plan.After.Normal()
	}
	return r
}

// Seal is the receipt with its hash: the SHA-256, in hex, of the receipt's JSON with an empty hash.
func (r Receipt) Seal() Receipt {
	if r.Proofs == nil {
		r.Proofs = []Proof{}
	}
	r.Hash = ""
	r.Hash = digest(r)
	return r
}

// Intact says whether the receipt is unchanged since it was sealed. One whose lists of roles were
// brought back is: its digests are in the hash.
func (r Receipt) Intact() bool {
	return r.Hash != "" && (r.Seal().Hash == r.Hash || r.short().Seal().Hash == r.Hash)
}

// short is the receipt whose JSON leaves long lists out.
func (r Receipt) short() Receipt {
	r.Proofs = slices.Clone(r.Proofs)
	if r.Plan.Effect != nil {
		r.Plan.Effect = new(*r.Plan.Effect)
	}
	for i := range r.Proofs {
		r.Proofs[i].Writes = slices.Clone(r.Proofs[i].Writes)
		r.Proofs[i].Reads = slices.Clone(r.Proofs[i].Reads)
	}
	r.Lists(func(h *Holdings) { h.listed = false })
	return r
}
