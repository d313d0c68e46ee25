package e2e

import (
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"sentinelone-provisioner/internal/consoletest"
)

// history reads all events of the latest run of a workflow.
func history(s *stack, id string) *historypb.History {
	s.t.Helper()
	out := &historypb.History{}
	events := s.client.GetWorkflowHistory(s.ctx(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(s.t, err)
		out.Events = append(out.Events, e)
	}
	return out
}

func isPageOf(path string) func(consoletest.Request) bool {
	return func(r consoletest.Request) bool { return r.Page() && r.Path == path }
}

// refetchedPages counts the requests for a page beyond its first, by collection.
func refetchedPages(requests []consoletest.Request) map[string]int {
	type page struct{ path, cursor string }
	asked := make(map[page]int)
	out := make(map[string]int)
	for _, r := range requests {
		if !r.Page() {
			continue
		}
		p := page{r.Path, r.Cursor}
		if asked[p]++; asked[p] > 1 {
			out[string(r.Collection)]++
		}
	}
	return out
}
