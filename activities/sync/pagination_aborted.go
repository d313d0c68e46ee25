package sync

import (
	"errors"
	"fmt"
	"net/http"

	"sentinelone-provisioner/internal/console"
)

// paginationAbortedError ends a walk that cannot be completed, though the console answers. It is
// a doubt about the walk and no failure of the sync: the next walk begins anew.
type paginationAbortedError struct{ why string }

func (a *paginationAbortedError) Error() string { return a.why }

// isRefusedCursor says whether err is the console's refusal of a cursor it gave. How
// long cursors live is not documented.
func isRefusedCursor(err error, cursor string) bool {
	answer, ok := errors.AsType[*console.Error](err)
	return ok && cursor != "" && answer.Status == http.StatusBadRequest
}

// Slack before a walk counts as going round in circles, and the most pages of a
// console that gives no count.
const (
	slackRows  = 10_000
	slackPages = 1000
	mostPages  = 100_000
)

// paginationLoop says whether a console sends far more than it counts: its cursors lead
// back to pages it has sent before, or through pages without rows.
func paginationLoop(total *int, pages, rows int64) error {
	tooMany := pages > mostPages
	if total != nil {
		tooMany = rows > 2*int64(*total)+slackRows || pages > int64(*total)+slackPages
	}
	if !tooMany {
		return nil
	}
	return &paginationAbortedError{
		fmt.Sprintf("the console has sent %d rows on %d pages where it counts %s: its pagination does not end",
			rows, pages, countText(total)),
	}
}
