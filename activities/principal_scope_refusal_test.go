package activities

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
)

// refusingWrites answers each PUT with a 403 of that detail; the console does not get it.
type refusingWrites struct{ says string }

// RoundTrip implements [http.RoundTripper].
func (w refusingWrites) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPut {
		return http.DefaultTransport.RoundTrip(r)
	}
	body := fmt.Sprintf(`{"errors":[{"code":4030010,"detail":%q,"title":"Insufficient permissions"}]}`, w.says)
	return &http.Response{
		StatusCode: http.StatusForbidden, Status: "403 Forbidden", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

// A grant that the console refuses because of the scope of the token's user says so, and names no permission to add:
// the role has it.
func TestWrite_TokenAtTheWrongScope(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]string{
		"Action is not allowed to multi-scope users":                                 "holds roles at several scopes",
		"User scope level is account. Please provide a valid account ID or site ID.": "at the wrong scope (account)",
	} {
		d := newGrantFixture(t, consoletest.Options{}, func(c *console.Config) { c.Transport = refusingWrites{says} })
		before := d.held()
		_, err := d.write(d.change(access.OpAcquire, lease("1", d.soc)))
		app := attempttest.ApplicationError(t, err)
		require.Equal(t, string(kinds.Forbidden), app.Type())
		require.Contains(t, app.Message(), want)
		require.Contains(t, app.Message(), "adding a permission does not help")
		require.NotContains(t, app.Message(), "lacks")
		require.Equal(t, before, d.held())
	}
}
