package activities

import (
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// runOf is the request's run, as keys of the ledger name it.
func runOf(r wire.RequestInfo) ledger.Run { return ledger.Run{Request: r.ID, ID: r.Run} }
