package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var feedTypes = []int{23, 24, 142}

func activitiesOf(t *testing.T, body string) (Page[Activity], error) {
	t.Helper()
	f := startConsole(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
	return f.client(t).Activities(t.Context(), ActivityQuery{Types: feedTypes})
}

// Entries as captured, with numbers where other entries have texts, and with forms that nobody has seen: what is odd is
// empty, and the rest of the page is read.
func TestActivities_DecodesLoosely(t *testing.T) {
	t.Parallel()
	page, err := activitiesOf(t, `{"data":[
		{"id":"1535334414585508710","activityType":24,"createdAt":"2026-11-02T09:00:00.087759Z",
		 "userId":"1535334414585508711","hash":null,
		 "data":{"byUser":"Carol Roy","username":"Ana Roy","email":"ana@example.com","accountId":225494730938493804}},
		{"id":1535334414585508712,"activityType":"142","createdAt":"2026-11-02T09:00:00Z","userId":1535334414585508713,
		 "data":null},
		{"id":"1535334414585508714","activityType":{},"createdAt":17,"userId":"../users",
		 "data":{"byUser":{"name":"x"},"username":["y"],"email":7}},
		{"id":"1535334414585508715","activityType":23.5,"data":[1],"userId":null}
	],"pagination":{"totalItems":50000,"nextCursor":"abc"}}`)
	require.NoError(t, err)
	require.Equal(t, "abc", page.Next)
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	require.Equal(t, []Activity{
		{
			ID: "1535334414585508710", Type: 24, CreatedAt: at.Add(87759 * time.Microsecond),
			UserID: "1535334414585508711", By: "Carol Roy", Username: "Ana Roy", Email: "ana@example.com",
		},
		{ID: "1535334414585508712", Type: 142, CreatedAt: at, UserID: "1535334414585508713"},
		{ID: "1535334414585508714", Email: "7"},
		{ID: "1535334414585508715"},
	}, page.Items)
}

// A name of a megabyte is not kept, whatever the entry says.
func TestActivities_BoundsTexts(t *testing.T) {
	t.Parallel()
	page, err := activitiesOf(t, `{"data":[{"id":"1","data":{"byUser":"`+strings.Repeat("x", 1<<20)+`"}}],
		"pagination":{"totalItems":1}}`)
	require.NoError(t, err)
	require.Equal(t, []Activity{{ID: "1"}}, page.Items)
}

// PostgreSQL takes no zero byte: a text that has one would make each delta sync fail.
func TestActivities_ZeroBytes(t *testing.T) {
	t.Parallel()
	page, err := activitiesOf(t, `{"data":[{"id":"1\u0000","data":{"byUser":"A\u0000na","username":"\u0000"}}],
		"pagination":{"totalItems":1}}`)
	require.NoError(t, err)
	require.Equal(t, []Activity{{ID: "1", By: "Ana"}}, page.Items)
}

// The query is the one that the fact sheet describes.
func TestActivities_Query(t *testing.T) {
	t.Parallel()
	f := startConsole(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"data":[],"pagination":{"totalItems":0,"nextCursor":null}}`))
	})
	c := f.client(t)
	_, err := c.Activities(t.Context(), ActivityQuery{
		Types: feedTypes, Since: time.Date(2026, 11, 2, 10, 0, 0, 1000, time.FixedZone("", 3600)), Cursor: "next",
	})
	require.NoError(t, err)
	_, err = c.Activities(t.Context(), ActivityQuery{Types: feedTypes, Newest: true, Limit: 1})
	require.NoError(t, err)
	const types = "activityTypes=23%2C24%2C142"
	require.Equal(t, types+"&createdAt__gte=2026-11-02T09%3A00%3A00.000001Z&cursor=next&limit=1000"+
		"&sortBy=createdAt&sortOrder=asc", f.requests()[0].URL.RawQuery)
	require.Equal(t, types+"&limit=1&sortBy=createdAt&sortOrder=desc", f.requests()[1].URL.RawQuery)
	for _, bad := range []ActivityQuery{{}, {Types: feedTypes, Limit: 1001}, {Types: feedTypes, Limit: -1}} {
		_, err := c.Activities(t.Context(), bad)
		require.Error(t, err)
	}
	require.Equal(t, 2, f.count(), "a query that cannot be meant is not sent")
}

// Answers that no feed gives are errors, and so is an entry without an id: it could not be told from another.
func TestActivities_RefusesOtherAnswers(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`{"id":"1"},`, PageLimit) + `{"id":"1"}`
	for name, body := range map[string]string{
		"no data":       `{"pagination":{"totalItems":0}}`,
		"no pagination": `{"data":[]}`,
		"no id":         `{"data":[{"activityType":23}],"pagination":{"totalItems":1}}`,
		"not a list":    `{"data":{},"pagination":{"totalItems":1}}`,
		"too many":      `{"data":[` + many + `],"pagination":{"totalItems":1}}`,
		"a web page":    `<html></html>`,
		"cut":           `{"data":[{"id":"1"}`,
	} {
		_, err := activitiesOf(t, body)
		require.Error(t, err, name)
	}
	f := startConsole(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"data":[],"pagination":{"totalItems":0,"nextCursor":"same"}}`))
	})
	_, err := f.client(t).Activities(t.Context(), ActivityQuery{Types: feedTypes, Cursor: "same"})
	require.ErrorContains(t, err, "never end")
}

// Types come sorted, once each; what is no number is left out.
func TestActivityTypes(t *testing.T) {
	t.Parallel()
	body := `{"data":[{"id":142,"action":"x"},{"id":"23"},{"id":23},{"id":null},{"id":{}}]}`
	f := startConsole(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
	got, err := f.client(t).ActivityTypes(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int{23, 142}, got)
	for _, bad := range []string{`{}`, `{"data":null}`, `{"data":[],"errors":[{}]}`, `{"data":3}`} {
		body = bad
		_, err := f.client(t).ActivityTypes(t.Context())
		require.Error(t, err, bad)
	}
}

// A token that may not read the feed is told which permission it lacks.
func TestActivities_ForbiddenNamesThePermission(t *testing.T) {
	t.Parallel()
	f := startConsole(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"errors":[{"code":4030010,"title":"Insufficient permissions","detail":null}]}`))
	})
	_, err := f.client(t).Activities(t.Context(), ActivityQuery{Types: feedTypes})
	require.ErrorContains(t, err, ActivityPermission)
	_, err = f.client(t).ActivityTypes(t.Context())
	require.ErrorContains(t, err, ActivityPermission)
}
