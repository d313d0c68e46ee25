package activities

import (
	"sentinelone-provisioner/internal/claims"
)

// Claims brings the claims of the console up to date, with ends as this authority works them out. log
// may be nil.
func (a *Authority) Claims(log claims.Logger) claims.Projector {
	return claims.Projector{Store: a.store, Console: a.console, Judge: a.judge(), Log: log}
}
