package activities

// Names of activities on the wire. Renaming one breaks running workflows.
const (
	BeginName   = "Sync.Begin"
	CheckName   = "Sync.Check"
	DrainName   = "Sync.Drain"
	SettleName  = "Sync.Settle"
	PromoteName = "Sync.Promote"
	DiscardName = "Sync.Discard"
)

// Names of the activities of grants and revokes on the wire.
const (
	PlanName   = "Request.Plan"
	ApplyName  = "Request.Apply"
	DecideName = "Request.Decide"
	// DelegateName hands decisions to another.
	DelegateName = "Request.Delegate"

	CloseName   = "Request.Close"
	TellName    = "Notify.Tell"
	SendName    = "Notify.Send"
	GaveUpName  = "Notify.GaveUp"
	WriteName   = "Principal.Write"
	ConfirmName = "Principal.Confirm"
)

// Names of the activities that make accounts on the wire.
const (
	UserCreateName        = "User.Create"
	ServiceUserCreateName = "ServiceUser.Create"
)
