package ledger

import (
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Body is what an entry says. Its JSON is the entry's body.
type Body interface {
	// Kind is the kind of the entries that hold such a body.
	Kind() Kind
}

// Request is what was requested, with its plan. A request that is planned again, since
// its principal has changed, has one such entry for each plan.
type Request struct {
	// Plan has no hash where the request ended before it was planned: it repeats then what
	// was requested.
	Plan access.Plan `json:"plan"`
	// Signature is the requester's as it was sent, also one that does not hold; nil without
	// one.
	Signature *access.RequestSignature `json:"signature,omitempty"`
	// SignaturesRequired says that the worker verified signatures when it planned the request:
	// from then on names alone count for nothing.
	SignaturesRequired bool `json:"signaturesRequired,omitempty"`
	// Facts are what the policy has read besides the plan; nil in entries of versions up to
	// 0.4.0, and where the request ended before it was planned.
	Facts *Facts `json:"facts,omitempty"`
}

// Facts are what a policy reads of the console besides a plan.
type Facts = access.PolicyFacts

// Verified is the requester's signature if it holds, or nil.
func (r Request) Verified() *access.RequestSignature {
	if r.Signature == nil || r.Signature.Signed == access.Unsigned {
		return nil
	}
	return r.Signature
}

// Signature says what a signature was used for, since each counts once.
type Signature struct {
	UsedFor   string `json:"usedFor"`   // key of the entry of the request or decision
	Statement string `json:"statement"` // the text that is signed, as ssh-keygen can check it
	Signed    string `json:"signed"`    // fingerprint of the key
}

// Decision is one decision, also one that does not count.
type Decision struct {
	Decision access.Decision `json:"decision"`
	Refusal  string          `json:"refusal,omitempty"` // why it does not count; "" if it counts
}

// Delegation hands a person's decisions to another, also one that does not count.
type Delegation struct {
	Delegation access.Delegation `json:"delegation"`
	// Message is the key of the message that brought it, apart from what it says: the entry
	// may stand under the key of what was signed instead.
	Message string `json:"message"`
	Refusal string `json:"refusal,omitempty"` // why it does not count; "" if it counts
}

// ExtensionRequest asks for a later end, also one that is refused at once.
type ExtensionRequest struct {
	Extension access.ExtensionRequest `json:"extension"`
	Refusal   string                  `json:"refusal,omitempty"` // why nobody is asked; "" if it may be approved
}

// Confirmation is a read some time after a change has ended access.
type Confirmation struct {
	Read access.Read `json:"read"`
	// Shown says that the console shows again what the change has removed.
	Shown bool `json:"shown,omitempty"`
	// Ours says that a later change of ours explains that.
	Ours  bool     `json:"ours,omitempty"`
	Drift []string `json:"drift,omitempty"` // a sentence for each hand edit since
}

// Extension moves the end of a grant.
type Extension struct {
	Extension access.Extension `json:"extension"`
}

// Cancelled says that a change was cancelled: what of it has reached the console is
// released.
type Cancelled struct {
	Change string `json:"change"` // key of the change
}

// Overdue says that the system itself releases access whose request has not released it in time.
type Overdue struct {
	Change    string              `json:"change"` // key of the release
	Principal access.PrincipalRef `json:"principal"`
	Due       time.Time           `json:"due"` // when the access had to be gone
	Why       string              `json:"why"` // one of package authority's reasons why it is due
}

// Drift says what a drift rule of the policy does about an assignment that no request explains.
type Drift struct {
	Action    string              `json:"action"` // adopt, or revert by the revoke that the entry is filed under
	Principal access.PrincipalRef `json:"principal"`
	Holding   access.Holding      `json:"holding"`
	Found     string              `json:"found"`  // the kind of drift
	Since     time.Time           `json:"since"`  // when a sync has first seen it
	Policy    string              `json:"policy"` // hash
	Rule      string              `json:"rule"`
}

// Occurrence tells one occurrence of drift, and what is done about it, from others, in 64 hexadecimal digits.
func (d Drift) Occurrence() string {
	h := d.Holding
	return sum(netstrings("sentinelone-drift-1", d.Action, string(d.Principal.Kind), d.Principal.ID, string(h.Level),
		h.ScopeID, h.RoleID, d.Found, instant(d.Since), d.Policy, d.Rule))
}

// EntryKey is the key of the entry.
func (d Drift) EntryKey() string { return string(KindDrift) + "/" + d.Occurrence() }

// Unauthorized says what was not written to the console, for lack of authority.
type Unauthorized struct {
	Change    string              `json:"change"` // key of the change, as it was asked for
	Op        access.Op           `json:"op"`
	Principal access.PrincipalRef `json:"principal"`
	Reason    string              `json:"reason"` // one of package authority's
	Text      string              `json:"text"`   // why, in a sentence
}

// Stop is a message that cancels, ends, confirms or discards, also one that does not count.
type Stop struct {
	access.Stop

	Refusal string `json:"refusal,omitempty"` // why it does not count; "" if it counts
}

// Freeze is a message that stops all giving of access, or has it go on, also one that does
// not count.
type Freeze struct {
	access.Freeze

	Refusal string `json:"refusal,omitempty"` // why it does not count; "" if it counts
}

// Receipt is the evidence of a request that has ended.
type Receipt struct {
	Receipt access.Receipt `json:"receipt"`
}

// Notification says whether a notification was delivered.
type Notification struct {
	Event  string   `json:"event"`           // its type, such as requested
	Sender string   `json:"sender"`          // such as webhook
	To     string   `json:"to,omitempty"`    // recipient of an e-mail
	Result Delivery `json:"result"`          // one of the constants below
	Error  string   `json:"error,omitempty"` // why it was dropped
}

// Delivery is what became of a notification.
type Delivery string

// What becomes of a notification.
const (
	Delivered Delivery = "delivered"
	Dropped   Delivery = "dropped" // the receiver does not want it, or the ledger does not show the event
	GaveUp    Delivery = "gaveUp"  // the receiver was down for too long
)

// Write says what is about to be sent to the console, so that an attempt that finds it
// can look whether it arrived. Either Roles or Account is set.
type Write struct {
	Principal *Subject     `json:"principal,omitempty"` // nil in entries of versions up to 0.4.0
	Write     access.Write `json:"write"`
	Roles     *RoleWrite   `json:"roles,omitempty"`
	Account   *AccountCall `json:"account,omitempty"`
}

// RoleWrite is a write that changes a principal's roles.
type RoleWrite struct {
	Step access.Step `json:"step"` // what the write is part of
	// From is what was known of the principal when the step was planned, by its digest.
	From string `json:"from"`
}

// AccountCall is a call that creates, completes or deletes an account.
type AccountCall struct {
	Action AccountAction `json:"action"`
	// ID is the console's id of the account; "" until the console has told it.
	ID string `json:"id,omitempty"`
}

// AccountAction is what a call does to an account.
type AccountAction string

// What a call does to an account.
const (
	CreateAccount AccountAction = "create"
	GenerateToken AccountAction = "generateToken"
	DeleteAccount AccountAction = "delete"
)

// Answer says what the console answered to a write, or that it did not.
type Answer struct {
	Principal *Subject     `json:"principal,omitempty"` // nil in entries of versions up to 0.4.0
	Write     access.Write `json:"write"`               // with status or error
	// Account is set where the write was about an account.
	Account *AccountAnswer `json:"account,omitempty"`
}

// AccountAnswer is the answer to a call about an account.
type AccountAnswer struct {
	Call    AccountCall `json:"call"` // with the id of an account that was created
	NotSent bool        `json:"notSent,omitempty"`
	Ended   time.Time   `json:"ended"` // when the console had answered, or the client gave up
}

// Token says where the token of a new service user was put, never the token.
type Token struct {
	ID    string            `json:"id"` // of the service user
	Place access.TokenPlace `json:"place"`
	// Digest tells whether the worker's token file holds this token, of one that replaces the worker's own; "" for
	// others. It is SHA-256 over the change and the token, which has far too many values to be guessed.
	Digest string `json:"digest,omitempty"`
}

// Proof settles a change. Either Roles or Account is set.
type Proof struct {
	Principal *Subject      `json:"principal,omitempty"` // nil in entries of versions up to 0.4.0
	Proof     access.Proof  `json:"proof"`
	Message   string        `json:"message,omitempty"` // why nothing was done, where that is so
	Roles     *RoleProof    `json:"roles,omitempty"`
	Account   *AccountProof `json:"account,omitempty"`
}

// RoleProof is what a settled change of roles means for the next one.
type RoleProof struct {
	Next access.OwnershipState `json:"next"` // what is known of the principal from then on
	From string                `json:"from"` // what was known before, by its digest
}

// AccountProof says how the creation of an account ended.
type AccountProof struct {
	// Refused says that the account is not there as it was requested, and that trying again
	// would not change that.
	Refused bool `json:"refused,omitempty"`
}

// Kind implements [Body].
func (Request) Kind() Kind { return KindRequest }

// Kind implements [Body].
func (Signature) Kind() Kind { return KindSignature }

// Kind implements [Body].
func (Decision) Kind() Kind { return KindDecision }

// Kind implements [Body].
func (Delegation) Kind() Kind { return KindDelegation }

// Kind implements [Body].
func (ExtensionRequest) Kind() Kind { return KindExtensionRequest }

// Kind implements [Body].
func (Extension) Kind() Kind { return KindExtension }

// Kind implements [Body].
func (Cancelled) Kind() Kind { return KindCancelled }

// Kind implements [Body].
func (Confirmation) Kind() Kind { return KindConfirmation }

// Kind implements [Body].
func (Unauthorized) Kind() Kind { return KindUnauthorized }

// Kind implements [Body].
func (Overdue) Kind() Kind { return KindOverdue }

// Kind implements [Body].
func (Drift) Kind() Kind { return KindDrift }

// Kind implements [Body].
func (Stop) Kind() Kind { return KindStop }

// Kind implements [Body].
func (Freeze) Kind() Kind { return KindFreeze }

// Kind implements [Body].
func (Receipt) Kind() Kind { return KindReceipt }

// Kind implements [Body].
func (Notification) Kind() Kind { return KindNotification }

// Kind implements [Body].
func (Write) Kind() Kind { return KindWrite }

// Kind implements [Body].
func (Answer) Kind() Kind { return KindAnswer }

// Kind implements [Body].
func (Token) Kind() Kind { return KindToken }

// Kind implements [Body].
func (Proof) Kind() Kind { return KindProof }

var errRolesOrAccount = errors.New(`it must hold either "roles" or "account"`)

func (w Write) check() error {
	if (w.Roles == nil) == (w.Account == nil) {
		return errRolesOrAccount
	}
	return nil
}

func (p Proof) check() error {
	if (p.Roles == nil) == (p.Account == nil) {
		return errRolesOrAccount
	}
	return nil
}

func (n Notification) check() error {
	switch n.Result {
	case Delivered, Dropped, GaveUp:
		return nil
	}
	return fmt.Errorf("%q is not a result of a delivery", n.Result)
}
