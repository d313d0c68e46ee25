package ledger

// Kind says what an entry is about, and of which type its body is.
type Kind string

// The kinds of entry, in the order in which a request meets them.
const (
	// KindRequest opens a request: what was requested and what it means. Body: [Request].
	KindRequest Kind = "request"
	// KindSignature says what a signature was used for. Body: [Signature].
	KindSignature Kind = "signature"
	// KindDecision is a decision, also one that does not count. Body: [Decision].
	KindDecision Kind = "decision"
	// KindDelegation hands decisions to another person. Body: [Delegation].
	KindDelegation Kind = "delegation"
	// KindWrite says what is about to be sent to the console. Body: [Write].
	KindWrite Kind = "write"
	// KindAnswer says what the console answered to a write. Body: [Answer].
	KindAnswer Kind = "answer"
	// KindToken says where the token of a new service user was put. Body: [Token].
	KindToken Kind = "token"
	// KindProof settles a change, verified by reading. Body: [Proof].
	KindProof Kind = "proof"
	// KindConfirmation is a later read that confirms a change. Body: [Confirmation].
	KindConfirmation Kind = "confirmation"
	// KindExtensionRequest asks for a later end of a grant, also one that is refused at once.
	// Body: [ExtensionRequest].
	KindExtensionRequest Kind = "extensionRequest"
	// KindExtension moves the end of a grant, once that is approved. Body: [Extension].
	KindExtension Kind = "extension"
	// KindCancelled says that a change was cancelled before it was settled. Body: [Cancelled].
	KindCancelled Kind = "cancelled"
	// KindOverdue says that the system itself releases access that its request has not released in time. Body:
	// [Overdue].
	KindOverdue Kind = "overdue"
	// KindDrift says what a drift rule of the policy does about access that no request explains. Body: [Drift].
	KindDrift Kind = "drift"
	// KindUnauthorized says what was not written to the console, for lack of authority. Body:
	// [Unauthorized].
	KindUnauthorized Kind = "unauthorized"
	// KindStop is a message that cancels a request or ends access before its time, or that
	// decides about a quarantined snapshot, also one that does not count. Body: [Stop].
	KindStop Kind = "stop"
	// KindFreeze is a message that stops all giving of access, or has it go on, also one that
	// does not count. Body: [Freeze].
	KindFreeze Kind = "freeze"
	// KindReceipt closes a request. Body: [Receipt].
	KindReceipt Kind = "receipt"
	// KindNotification says whether a notification was delivered. Body: [Notification].
	KindNotification Kind = "notification"
	// KindLedgerKey records the key that seals entries from then on. Body: [SealingKey].
	KindLedgerKey Kind = "ledgerKey"
)
