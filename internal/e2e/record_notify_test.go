//go:build record

package e2e

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

var notifyScenarios = map[string]scenario{
	"delivered": recordDelivery(http.StatusNoContent, 0),
	"retried":   recordDelivery(http.StatusNoContent, 1),
	"dropped":   recordDelivery(http.StatusGone, 0), // for good: 410 Gone
}

// recordDelivery records the delivery of one event of a grant to a receiver, which first
// answers 503 so many times, and then with a status.
func recordDelivery(status int, failures int32) scenario {
	return func(s *stack) string {
		var requests atomic.Int32
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if requests.Add(1) <= failures {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			w.WriteHeader(status)
		}))
		s.t.Cleanup(receiver.Close)
		r := prepareGrantEnv(s.t, s)
		s.worker.Kill()
		s.extraEnv = append(s.extraEnv, "NOTIFY_SLACK_URL="+receiver.URL)
		s.startWorker()
		r.requireEnd(r.startGrant("", r.input("")), "granted", access.Applied)
		found := r.untilFound(`WorkflowType = "Notify" AND TaskQueue = "` + r.queue + `"`)
		id := found.GetExecution().GetWorkflowId()
		require.NoError(s.t, s.client.GetWorkflow(s.ctx(), id, "").Get(s.ctx(), nil))
		return id
	}
}
