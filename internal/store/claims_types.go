package store

import (
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// ClaimOp is what a claim is: a lease, a permanent grant, or another change that gives or ends
// access.
type ClaimOp string

// The operations of claims. Those that end access end the permanent claims before them.
const (
	ClaimLease     ClaimOp = "lease"     // a role until an end
	ClaimGrant     ClaimOp = "grant"     // a permanent role
	ClaimCreate    ClaimOp = "create"    // the role of a new account
	ClaimReset     ClaimOp = "reset"     // the one role that an offboarding has left
	ClaimDowngrade ClaimOp = "downgrade" // the role that the rule for the last role has left
	ClaimRevoke    ClaimOp = "revoke"    // a role was removed permanently
	ClaimDelete    ClaimOp = "delete"    // the principal was deleted
	ClaimAdopt     ClaimOp = "adopt"     // what was given by hand was made baseline
)

// ClaimState is what became of a claim.
type ClaimState string

// The states of a claim.
const (
	ClaimOpen       ClaimState = "open"       // in force, or to be ended
	ClaimLost       ClaimState = "lost"       // a hand edit, a revoke or another grant has replaced it
	ClaimSuperseded ClaimState = "superseded" // a later change of ours has ended a permanent claim
	ClaimClosed     ClaimState = "closed"     // released
)

// Claim is what the ledger says of one role at one scope that a request has given, or may have
// given. It names what to look at; what is written to the console is judged by the ledger itself.
type Claim struct {
	access.Holding

	ID        string // lease id, such as grant/INC-42#<run>, or with +2 for the second of several scopes
	Op        ClaimOp
	Request   string // workflow id
	Run       string // original run id
	Principal ledger.Subject
	State     ClaimState
	Entry     int64 // number of the proof in the ledger, or of the first write while there is none
	Proven    bool  // a read has shown it
	// Authorized says that the ledger holds a request, as a worker wrote it, that names the role.
	Authorized bool
	// WasHeld says that the principal had the role before, not by a lease: it stays behind it. Of a lease that was
	// released it also says that the release did not take the role away, as something else keeps it or had replaced it.
	WasHeld bool
	// Doubtful says that Due may be too early, since something could not be read: it is computed again.
	Doubtful bool
	Began    time.Time
	// Due is when it must be gone: its end, with extensions that were approved, the deadline of its
	// review, or when it was stopped; zero for never.
	Due      time.Time
	Why      string    // one of authority's reasons: end, review, reviewDenied, stopped, closed
	ClosedAt time.Time // of the proof that it is gone; zero while it is open
}

// Of is the run of the request that the claim is of.
func (c Claim) Of() ledger.Run { return ledger.Run{Request: c.Request, ID: c.Run} }

// LedgerMark is an entry of the ledger without its body.
type LedgerMark struct {
	Seq          int64
	Hash         string
	Request, Key string
	Kind         ledger.Kind
	Subject      string
}

// ClaimsUpdate brings the claims of a console from one entry of the ledger to a later one.
type ClaimsUpdate struct {
	From, To ledger.Head
	// Runs are those whose claims are replaced by Claims.
	Runs   []ledger.Run
	Claims []Claim
	// Lost are ids of leases that no longer claim their role.
	Lost []string
	// Principals are those whose permanent claims may have ended.
	Principals []ledger.Subject
}
