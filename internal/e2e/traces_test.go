package e2e

import (
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"sentinelone-provisioner/internal/testbed/grantworld"
)

// spans collects what programs send by OTLP.
type spans struct {
	mu    sync.Mutex
	raw   []string            // each request, headers and body
	named map[string][]string // trace ids by the name of a span
}

func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if in, err = gzip.NewReader(r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	body, err := io.ReadAll(in)
	var request collector.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(body, &request) != nil {
		http.Error(w, "not OTLP", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var head strings.Builder
	_ = r.Header.Write(&head)
	s.raw = append(s.raw, head.String()+string(body))
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				s.named[span.GetName()] = append(s.named[span.GetName()], hex.EncodeToString(span.GetTraceId()))
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// One trace leads from the command through both workflows and their activities to the PUT; nothing that is sent holds
// the API token or an address of a person.
func TestTraces_FromTheCommandToThePut(t *testing.T) {
	t.Parallel()
	got := &spans{named: map[string][]string{}}
	server := httptest.NewServer(got)
	t.Cleanup(server.Close)
	r := prepareGrantEnv(t, newStack(t, grantworld.Options()))
	r.extraEnv = append(r.extraEnv, "OTEL_EXPORTER_OTLP_ENDPOINT="+server.URL, "OTEL_BSP_SCHEDULE_DELAY=100")
	r.startWorker()
	r.runSync("/first")
	said := r.starter("grant", "--id", t.Name(), "--user", r.user.Email, "--role", r.requested.RoleID,
		"--scope", r.requested.ScopeID, "--requester", "bob@example.com", "--reason", "INC-42", "--wait")
	require.Equal(t, 0, said.code, said.stderr)
	require.EventuallyWithT(t, func(c *assertT) {
		got.mu.Lock()
		defer got.mu.Unlock()
		require.Len(c, got.named["starter grant"], 1)
		for _, name := range []string{
			"StartWorkflow:Grant", "RunWorkflow:Grant", "StartActivity:Request.Apply", "RunActivity:Request.Apply",
			"UpdateWithStartWorkflow:change", "HandleUpdate:change", "RunActivity:Principal.Write", "PUT /users/{id}",
		} {
			require.Contains(c, got.named[name], got.named["starter grant"][0], name)
		}
	}, limit, 100*time.Millisecond)
	got.mu.Lock()
	defer got.mu.Unlock()
	r.requireLogged(t.Name(), got.named["starter grant"][0])
	for _, raw := range got.raw {
		for _, secret := range []string{r.console.Token(), "ApiToken", "baggage", r.user.Email} {
			shown := strings.Contains(raw, secret)
			require.False(t, shown, secret)
		}
	}
}

// A collector that takes requests and never answers holds up no grant, no command and no stop of the worker.
func TestTraces_CollectorHangs(t *testing.T) {
	t.Parallel()
	ends, asked := make(chan struct{}), make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-ends
	}))
	t.Cleanup(func() { close(ends); server.Close() })
	r := prepareGrantEnv(t, newStack(t, grantworld.Options()))
	r.extraEnv = append(r.extraEnv, "OTEL_EXPORTER_OTLP_ENDPOINT="+server.URL, "OTEL_BSP_SCHEDULE_DELAY=100")
	r.startWorker()
	r.runSync("/first")
	said := r.starter("grant", "--id", t.Name(), "--user", r.user.Email, "--role", r.requested.RoleID,
		"--scope", r.requested.ScopeID, "--requester", "bob@example.com", "--reason", "INC-42", "--wait")
	require.Equal(t, 0, said.code, said.stderr)
	require.Contains(t, said.stderr, "the collector does not answer")
	<-asked
	code, err := r.worker.Stop(limit)
	require.NoError(t, err)
	require.Zero(t, code, r.workerOutput.Tail())
	require.LessOrEqual(t, strings.Count(r.workerOutput.String(), "Spans were not sent"), 1)
}

// requireLogged says that the worker has logged the change and the end of a request with the ids of request, workflow
// and trace and with the console, and nothing that is secret.
func (r *grantEnv) requireLogged(id, traceID string) {
	r.t.Helper()
	require.NoError(r.t, r.workerOutput.WaitFor(r.ctx(), "Request has ended", 1))
	found := map[string]map[string]any{}
	for line := range strings.Lines(r.workerOutput.String()) {
		require.NotContains(r.t, line, r.console.Token())
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["request"] == "grant/"+id {
			found[fields["msg"].(string)] = fields
		}
	}
	for msg, workflow := range map[string]string{
		"Change is settled": "principal/", "Request has ended": "grant/" + id,
	} {
		line := found[msg]
		require.NotNil(r.t, line, msg)
		require.Contains(r.t, line["WorkflowID"], workflow)
		require.Equal(r.t, traceID, line["TraceID"], msg)
		require.Equal(r.t, strings.TrimPrefix(r.console.URL, "http://"), line["console"], msg)
	}
}
