package e2e

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/telemetry"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// freeAddress is one on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := testbed.FreeAddress()
	require.NoError(t, err)
	return address
}

// scrape is what /metrics prints.
func scrape(t *testing.T, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	require.NoError(t, err)
	answer, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(body)
}

// A worker prints every metric of the catalog, with its labels, and no other of ours; and all metrics of the Temporal
// SDK that the alerts and the dashboard ask for.
func TestMetrics_OfAWorker(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	r := prepareGrantEnv(t, newStack(t, grantworld.Options()))
	r.extraEnv = append(r.extraEnv, "METRICS_ADDRESS="+address)
	r.startWorker()
	r.runSync("/first")
	require.Equal(t, wire.StateGranted, r.grant("/held", r.input("")).State)
	_, err := r.client.ExecuteWorkflow(r.ctx(), client.StartWorkflowOptions{
		TaskQueue: r.queue, WorkflowExecutionTimeout: time.Minute,
	}, "OfNoWorker") // its task fails
	require.NoError(t, err)
	asked := monitoredMetrics(t)
	var printed string
	require.EventuallyWithT(t, func(c *assertT) { // some are counted beside the start, or when a task has failed
		printed = scrape(t, address)
		for _, m := range telemetry.Catalog() {
			require.Contains(c, printed, "\n"+m.Name)
		}
		for _, name := range asked {
			require.Contains(c, printed, "\n"+name+"{")
		}
	}, limit, 100*time.Millisecond)

	found := map[string][]string{} // labels by name
	series := regexp.MustCompile(`(?m)^(sentinelone_\w+)\{(.*)\} \S+$`)
	label := regexp.MustCompile(`(\w+)="`)
	for _, line := range series.FindAllStringSubmatch(printed, -1) {
		name := line[1]
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, part)
		}
		for _, l := range label.FindAllStringSubmatch(line[2], -1) {
			if l[1] != "le" && !slices.Contains(found[name], l[1]) {
				found[name] = append(found[name], l[1])
			}
		}
		require.Contains(t, line[2], `console="`+r.consoleKey()+`"`)
	}
	want := map[string][]string{}
	for _, m := range telemetry.Catalog() {
		want[m.Name] = append([]string{"console"}, m.Labels...)
		require.ElementsMatch(t, want[m.Name], found[m.Name], m.Name)
		require.Contains(t, printed, "# TYPE "+m.Name+" "+m.Kind+"\n")
	}
	require.Len(t, found, len(want), "all are in the catalog")

	require.Contains(t, printed, `sentinelone_console_requests_total{console="`+r.consoleKey()+
		`",endpoint="/users/{id}",method="PUT",status="200"} 1`)
	require.Contains(t, printed, `sentinelone_rows{collection="users",console="`+r.consoleKey()+`"} `)
	require.NotContains(t, printed, r.console.Token())
	require.NotContains(t, printed, r.user.ID)

	for _, name := range asked {
		require.Regexp(t, `(?m)^`+name+`\{.*console="`, printed)
	}
}

// monitoredMetrics are the metrics of the Temporal SDK that the alerts and the dashboard ask for.
func monitoredMetrics(t *testing.T) (out []string) {
	t.Helper()
	for _, file := range []string{"alerts.yaml", "dashboard.json"} {
		text, err := os.ReadFile("../../deploy/monitoring/" + file)
		require.NoError(t, err)
		asked := regexp.MustCompile(`\btemporal_\w+`).FindAllString(string(text), -1)
		require.NotEmpty(t, asked, file)
		out = append(out, asked...)
	}
	return out
}
