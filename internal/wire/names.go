package wire

import (
	"strings"

	"sentinelone-provisioner/internal/access"
)

// SyncType is the type of the workflow that syncs a console.
const SyncType = "Sync"

// Messages of a sync. Every workflow but Notify answers the query.
const (
	// StatusQuery answers with the state of the workflow: [SyncStatus], [RequestStatus],
	// [PrincipalStatus], [DelegateStatus], [FreezeStatus] or [ConnectionStatus].
	StatusQuery = "status"
	// ConfirmUpdate promotes a quarantined snapshot.
	ConfirmUpdate = "confirm"
	// DiscardUpdate drops a quarantined snapshot.
	DiscardUpdate = "discard"
)

// DefaultTaskQueue is the task queue of workflows and reads, unless TASK_QUEUE names another.
const DefaultTaskQueue = "sentinelone"

const syncPrefix = "sync/"

// SyncID is the customary workflow id of a console's sync; any other works too.
// The console is its host and port, as in "acmeco.sentinelone.net".
func SyncID(console string) string { return syncPrefix + console }

// Workflow types of grants and revokes, of a principal's writer and of notifications.
const (
	GrantType     = "Grant"
	RevokeType    = "Revoke"
	PrincipalType = "Principal"
	NotifyType    = "Notify"
)

// Messages of grants and of a principal's writer.
const (
	// ApproveUpdate and DenyUpdate send a decision, as a [DecisionInput].
	ApproveUpdate = "approve"
	DenyUpdate    = "deny"
	// CancelUpdate cancels a grant, or the creation of an account, before it is applied.
	CancelUpdate = "cancel"
	// ExtendUpdate moves the end of an active grant, as an [ExtendInput] says.
	ExtendUpdate = "extend"
	// EndUpdate releases an active grant now.
	EndUpdate = "end"
	// ChangeUpdate sends a [ChangeRequest] to a principal's writer. Internal: people do not
	// send it.
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

// PrincipalID is the workflow id of a principal's writer. It holds the console's host, and the
// principal's kind and id, but no name.
func PrincipalID(console string, kind access.Kind, id string) string {
	return principalPrefix + console + "/" + string(kind) + "/" + id
}

// OtherKind is the kind of workflow whose ids begin as this one does, such as "principal", if that is another one than
// own; "" if it is own, or no kind's. A workflow under another kind's id would be taken for one of that kind.
func OtherKind(id, own string) string {
	for _, prefix := range []string{
		syncPrefix, grantPrefix, revokePrefix, principalPrefix, notifyPrefix, provisionPrefix, offboardPrefix,
		rotatePrefix,
		delegatePrefix, freezePrefix, connectionPrefix,
	} {
		if kind := strings.TrimSuffix(prefix, "/"); kind != own && strings.HasPrefix(id, prefix) {
			return kind
		}
	}
	return ""
}

// WriteQueue is the task queue of the activities that change a console. taskQueue is that of
// workflows and reads.
func WriteQueue(taskQueue string) string { return taskQueue + writeSuffix }

// Workflow types of accounts.
const (
	ProvisionUserType        = "ProvisionUser"
	ProvisionServiceUserType = "ProvisionServiceUser"
	OffboardType             = "Offboard"
	RotateTokenType          = "RotateToken"
)

const (
	provisionPrefix = "provision/"
	offboardPrefix  = "offboard/"
	rotatePrefix    = "rotate/"
)

// ProvisionID is the customary workflow id of a request for an account; any other works
// too. It holds no name and no address.
func ProvisionID(request string) string { return provisionPrefix + request }

// OffboardID is the customary workflow id of an offboarding; any other works too.
func OffboardID(request string) string { return offboardPrefix + request }

// RotateID is the customary workflow id of a rotation of a token; any other works too. It holds no name.
func RotateID(request string) string { return rotatePrefix + request }

// DelegateType is the type of the workflow that makes a delegation.
const DelegateType = "Delegate"

const delegatePrefix = "delegate/"

// DelegateID is the customary workflow id of a delegation; any other works too. It holds
// no name and no address.
func DelegateID(id string) string { return delegatePrefix + id }

// RequestTypes are the types of the workflows that carry out requests.
func RequestTypes() []string {
	return []string{GrantType, RevokeType, OffboardType, ProvisionUserType, ProvisionServiceUserType, RotateTokenType}
}
