package wire

import "sentinelone-provisioner/internal/access"

// Workflow types.
const (
	SyncType = "Sync"
)

// Messages.
const (
	// StatusQuery answers with everything a person wants to know, on every workflow.
	StatusQuery = "status"
	// ConfirmUpdate promotes a quarantined snapshot.
	ConfirmUpdate = "confirm"
	// DiscardUpdate drops a quarantined snapshot.
	DiscardUpdate = "discard"
)

// DefaultTaskQueue is where workflows and reads wait unless TASK_QUEUE says
// otherwise.
const DefaultTaskQueue = "sentinelone"

const syncPrefix = "sync/"

// SyncID is the customary workflow id of a console's sync; any other works too.
// The console is its host and port, as in "acmeco.sentinelone.net".
func SyncID(console string) string { return syncPrefix + console }

// Workflow types of grants and revokes.
const (
	GrantType     = "Grant"
	RevokeType    = "Revoke"
	PrincipalType = "Principal"
	NotifyType    = "Notify"
)

// Messages of grants and of a principal's writer.
const (
	// ApproveUpdate and DenyUpdate are people's decisions.
	ApproveUpdate = "approve"
	DenyUpdate    = "deny"
	// CancelUpdate calls a grant off before it is applied.
	CancelUpdate = "cancel"
	// ExtendUpdate lengthens a timed grant that is running.
	ExtendUpdate = "extend"
	// EndUpdate releases a timed grant now.
	EndUpdate = "end"
	// ChangeUpdate asks the one writer of a principal for a change. Internal.
	ChangeUpdate = "change"
)

const (
	grantPrefix     = "grant/"
	revokePrefix    = "revoke/"
	principalPrefix = "principal/"
	notifyPrefix    = "notify/"
	writeSuffix     = "-write"
)

// NotifyID is the workflow id of the delivery of an event.
func NotifyID(event string) string { return notifyPrefix + event }

// GrantID is the customary workflow id of a grant; any other works too.
func GrantID(request string) string { return grantPrefix + request }

// RevokeID is the customary workflow id of a revoke; any other works too.
func RevokeID(request string) string { return revokePrefix + request }

// PrincipalID is the workflow id of a principal's one writer. It holds the console's
// host and the principal's id, and no name.
func PrincipalID(console string, kind access.Kind, id string) string {
	return principalPrefix + console + "/" + string(kind) + "/" + id
}

// WriteQueue is where everything waits that changes a console, beside the task queue
// of workflows and reads.
func WriteQueue(taskQueue string) string { return taskQueue + writeSuffix }

// Workflow types of accounts.
const (
	ProvisionUserType        = "ProvisionUser"
	ProvisionServiceUserType = "ProvisionServiceUser"
	OffboardType             = "Offboard"
)

const (
	provisionPrefix = "provision/"
	offboardPrefix  = "offboard/"
)

// ProvisionID is the customary workflow id of a request for an account; any other works
// too. It holds no name and no address.
func ProvisionID(request string) string { return provisionPrefix + request }

// OffboardID is the customary workflow id of an offboarding; any other works too.
func OffboardID(request string) string { return offboardPrefix + request }

// DelegateType is the workflow that hands a person's decisions to another.
const DelegateType = "Delegate"

const delegatePrefix = "delegate/"

// DelegateID is the customary workflow id of a delegation; any other works too. It holds
// no name and no address.
func DelegateID(id string) string { return delegatePrefix + id }
