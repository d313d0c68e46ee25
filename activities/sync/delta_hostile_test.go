package sync

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
)

// middle stands between the client and the console, and may change an answer.
type middle struct {
	change func(r *http.Request, body []byte) (status int, changed []byte)
}

// RoundTrip implements [http.RoundTripper].
func (m *middle) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || m.change == nil {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	status, changed := m.change(r, body)
	if status != 0 {
		answer.StatusCode = status
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(changed)), int64(len(changed))
	return answer, answer.Request.Context().Err()
}

func behind(m *middle) func(*console.Config) {
	return func(c *console.Config) { c.Transport = m }
}

// A 404 that is a web page comes from something in front of the console, and deletes nobody; nor does a 403. The
// console's own 404 does.
func TestDelta_WebPageIsNoDeletion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		page   string
		says   string
	}{
		"page":  {http.StatusNotFound, "<html><body>not here</body></html>", "404"},
		"403":   {http.StatusForbidden, `{"errors":[{"code":4030010,"title":"Forbidden"}]}`, "403"},
		"empty": {http.StatusNotFound, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &middle{}
			b := newDeltaFixture(t, consoletest.Options{}, behind(m))
			user := b.someone(access.User, 0)
			require.NoError(t, b.console.SetUserRoles(user.ID, access.SiteLevel, b.heldSomewhere()))
			b.console.AddFault(consoletest.Fault{
				Name: consoletest.EmptyPage, Path: "/users", Only: consoletest.OnlyPages,
			})
			m.change = func(r *http.Request, body []byte) (int, []byte) {
				if strings.HasSuffix(r.URL.Path, "/users/"+user.ID) {
					return c.status, []byte(c.page)
				}
				return 0, body
			}
			if c.says != "" {
				require.Contains(t, b.delta().Full, c.says)
			}
			m.change = nil
			b.console.ClearFaults()
			require.Equal(t, "promoted", b.sure().State, "nothing was taken as seen")
			b.requireTruth()
		})
	}
}

// dated gives the newest entry of the feed another time.
func dated(at time.Time) func(*http.Request, []byte) (int, []byte) {
	created := regexp.MustCompile(`"createdAt":"[^"]*"`)
	return func(r *http.Request, body []byte) (int, []byte) {
		if !strings.HasSuffix(r.URL.Path, "/activities") {
			return 0, body
		}
		all := created.FindAllIndex(body, -1)
		if len(all) == 0 {
			return 0, body
		}
		last := all[len(all)-1]
		text := `"createdAt":"` + at.Format("2006-01-02T15:04:05.000000Z") + `"`
		return 0, append(append(append([]byte{}, body[:last[0]]...), text...), body[last[1]:]...)
	}
}

// One entry that is dated far ahead must not hide those that come after it: neither from delta syncs, nor from the
// mark that a full sync keeps.
func TestDelta_EntryOfTheFuture(t *testing.T) {
	t.Parallel()
	m := &middle{}
	b := newDeltaFixture(t, consoletest.Options{}, behind(m))
	edit := func(n int) {
		t.Helper()
		require.NoError(t, b.console.SetUserRoles(b.someone(access.User, n).ID, access.SiteLevel, b.heldSomewhere()))
	}
	follows := func(n int) {
		t.Helper()
		edit(n)
		require.Equal(t, "promoted", b.sure().State)
		b.requireTruth()
	}
	future := time.Now().AddDate(70, 0, 0).UTC()
	edit(0)
	m.change = dated(future)
	require.Equal(t, "promoted", b.sure().State)
	m.change = nil
	require.Less(t, time.Until(b.feed().Watermark), 25*time.Hour)
	follows(1)

	m.change = dated(future)
	b.full()
	m.change = nil
	require.Less(t, time.Until(b.feed().Watermark), time.Minute)
	follows(2)

	// What is kept is ahead of this clock, which was wrong or has been.
	b.sync.now = func() time.Time { return b.feed().Watermark.Add(-25 * time.Hour) }
	edit(3)
	require.Contains(t, b.delta().Full, "is ahead of this clock")
	slow := b.sync.now()
	b.sync.now = func() time.Time { return slow }
	b.full()
	require.Zero(t, b.feed().Watermark)
	follows(4)
}
