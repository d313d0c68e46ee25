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
