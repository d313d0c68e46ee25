package wire

// Names of the activities of a sync.
const (
	SyncBeginActivity   = "Sync.Begin"
	SyncCheckActivity   = "Sync.Check"
	SyncDrainActivity   = "Sync.Drain"
	SyncSettleActivity  = "Sync.Settle"
	SyncPromoteActivity = "Sync.Promote"
	SyncDiscardActivity = "Sync.Discard"
	SyncDecideActivity  = "Sync.Decide"
	SyncDeltaActivity   = "Sync.Delta"
)

// Names of the activities of requests, of a principal's writer and of notifications.
const (
	PlanActivity     = "Request.Plan"
	ApplyActivity    = "Request.Apply"
	DecideActivity   = "Request.Decide"
	StopActivity     = "Request.Stop"
	ExtendActivity   = "Request.Extend"
	DelegateActivity = "Request.Delegate"
	FreezeActivity   = "Request.Freeze"
	CloseActivity    = "Request.Close"
	AnnounceActivity = "Notify.Announce"
	SendActivity     = "Notify.Send"
	GaveUpActivity   = "Notify.GaveUp"
	WriteActivity    = "Principal.Write"
	ConfirmActivity  = "Principal.Confirm"
	WakeActivity     = "Principal.Wake" // a local activity
)

// Names of the activities that create accounts, and that rotate their tokens.
const (
	UserCreateActivity        = "User.Create"
	ServiceUserCreateActivity = "ServiceUser.Create"
	TokenRotateActivity       = "ServiceUser.RotateToken"
)
