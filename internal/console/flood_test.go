package console

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// allocated is how many bytes a call allocates, freed ones included, of the whole process: its
// test must not run beside others.
func allocated(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// zipped is the gzip of a list of n times the same row.
func zipped(t *testing.T, row string, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	require.NoError(t, err)
	_, err = io.WriteString(w, `{"data":[`+row)
	require.NoError(t, err)
	const part = 1000
	for rows := strings.Repeat(","+row, part); n > part; n -= part {
		_, err = io.WriteString(w, rows)
		require.NoError(t, err)
	}
	_, err = io.WriteString(w, `],"pagination":{"nextCursor":null}}`)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

// Some KB that decode to millions of rows are an error at the first row too many, and cost no
// more memory than an ordinary page.
//
//nolint:paralleltest // it measures memory
func TestUsers_MillionsOfRows(t *testing.T) {
	for row, want := range map[string]string{
		`{"id":"1"}`: "the page has more rows than were asked for (1000)",
		`{}`:         "a row has no id",
	} {
		body := zipped(t, row, 5_000_000)
		f := startConsole(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(body)
		})
		c := f.client(t)
		var err error
		grown := allocated(func() { _, err = c.Users(t.Context(), ListOptions{}) })
		require.ErrorContains(t, err, "GET /users: invalid response (200), which no SentinelOne console sends: "+want)
		require.True(t, asError(t, err).Temporary())
		require.Less(t, grown, uint64(8<<20))
		require.Equal(t, 1, f.count(), "it is not asked again")
	}
}

// Whatever a console floods a client with, every call ends with an error and little memory.
//
//nolint:paralleltest // it measures memory
func TestFloods(t *testing.T) {
	const bound = 96 << 20 // buffers of 8 MiB that double as they grow, and the simulator's own
	s := consoletest.Start(t, consoletest.Options{Users: 3})
	id := s.Truth().Principals[0].ID
	c, err := New(Config{BaseURL: s.URL, Token: StaticToken(s.Token()), Budgets: []Budget{}, Timeout: 20 * time.Second})
	require.NoError(t, err)
	list := func() error { _, err := c.Users(t.Context(), ListOptions{Limit: 2}); return err }
	for _, tc := range []struct {
		fault consoletest.FaultKind
		call  func() error
		want  string
	}{
		{consoletest.GzipBomb, list, "a row has no id"},
		{consoletest.LongRow, list, "a row is larger than 8388608 bytes"},
		{consoletest.ExtraRows, list, "the page has more rows than were asked for (2)"},
		{consoletest.EndlessBody, list, "the response without its rows is larger than 8388608 bytes"},
		{
			consoletest.EndlessBody, func() error { _, err := c.Sites(t.Context(), ListOptions{}); return err },
			"the response without its rows is larger than 8388608 bytes",
		},
		{
			consoletest.GzipBomb, func() error { _, err := c.Sites(t.Context(), ListOptions{}); return err },
			"at data: expected an object",
		},
		{
			consoletest.GzipBomb, func() error { _, err := c.User(t.Context(), id); return err },
			"the response is larger than 8388608 bytes",
		},
		{
			consoletest.EndlessBody, func() error { _, err := c.User(t.Context(), id); return err },
			"the response is larger than 8388608 bytes",
		},
		{
			consoletest.EndlessBody, func() error { _, err := c.Count(t.Context(), access.Users); return err },
			"the response is larger than 8388608 bytes",
		},
		{
			consoletest.GzipBomb, func() error { _, err := c.UsersByName(t.Context(), "Ana Roy"); return err },
			"a row has no id",
		},
	} {
		s.ClearFaults()
		s.AddFault(consoletest.Fault{Name: tc.fault})
		s.ResetRequests()
		var err error
		grown := allocated(func() { err = tc.call() })
		require.ErrorContains(t, err, tc.want, tc.fault)
		require.Equal(t, KindMalformed, asError(t, err).Kind)
		require.Less(t, grown, uint64(bound), tc.fault)
		require.Equal(t, 1, s.RequestCount())
	}
	s.ClearFaults()
	require.NoError(t, list())
}

// An error is known by its status: of a body without an end, 64 KiB are read.
//
//nolint:paralleltest // it measures memory
func TestFloods_OfErrorsAndWebPages(t *testing.T) {
	for status, start := range map[int]string{502: "<html>", 400: `{"errors":[{"title":"`, 200: "<html>"} {
		f := startConsole(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, err := io.WriteString(w, start)
			for part := strings.Repeat("x", 1<<16); err == nil; {
				_, err = io.WriteString(w, part)
			}
		})
		c := f.client(t)
		var err error
		grown := allocated(func() { _, err = c.Users(t.Context(), ListOptions{}) })
		require.Equal(t, status, asError(t, err).Status)
		require.Less(t, grown, uint64(8<<20))
	}
}

// crowded writes users with so many roles each, at most limit of them, after the one that cursor
// names.
func crowded(users, roles int) http.HandlerFunc {
	entries := make([]string, roles)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"id":"1535334414585%06d","roleId":"1407838462433820674"}`, i)
	}
	held := strings.Join(entries, ",")
	return func(w http.ResponseWriter, r *http.Request) {
		var first, limit int
		_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &first)
		_, _ = fmt.Sscan(r.URL.Query().Get("limit"), &limit)
		last := min(first+limit, users)
		_, _ = io.WriteString(w, `{"data":[`)
		for i := first; i < last; i++ {
			if i > first {
				_, _ = io.WriteString(w, ",")
			}
			_, _ = fmt.Fprintf(w, `{"id":"%d","fullName":"Ana Roy","scope":"site","scopeRoles":[%s]}`, i+1, held)
		}
		next := "null"
		if last < users {
			next = fmt.Sprintf(`"%d"`, last)
		}
		_, _ = fmt.Fprintf(w, `],"pagination":{"totalItems":%d,"nextCursor":%s}}`, users, next)
	}
}

// A page that does not fit says how many of its rows did.
func TestUsers_PageTooLarge(t *testing.T) {
	t.Parallel()
	c := startConsole(t, crowded(100, 5000)).client(t)
	_, err := c.Users(t.Context(), ListOptions{})
	e := asError(t, err)
	require.Equal(t, KindTooLarge, e.Kind)
	require.Equal(t, 200, e.Status)
	var large *PageTooLargeError
	require.ErrorAs(t, err, &large)
	require.Equal(t, 27, large.Rows) // of 5,000 roles with 60 bytes and heldWeight each
	require.EqualError(t, err,
		"GET /users: 200: the page holds more than 16 MiB, and 27 of its rows are all that fit: ask for fewer rows")
	require.False(t, e.Temporary(), "the same request fails again")
	page, err := c.Users(t.Context(), ListOptions{Limit: large.Fitting(PageLimit)})
	require.NoError(t, err)
	require.Len(t, page.Items, 15) // 1000, 500, 250, 125, 62, 31, 15
}

// One row is never too much for a page, up to the limit of a row.
func TestUsers_OneLargeRow(t *testing.T) {
	t.Parallel()
	entries := make([]string, 250_000)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"id":%d,"roleId":"1"}`, i+1)
	}
	row := `{"id":"1","scope":"site","scopeRoles":[` + strings.Join(entries, ",") + `]}`
	require.Greater(t, len(row)+heldWeight*len(entries), maxPage)
	c := startConsole(t, respond(200, pageJSON("", 1, row))).client(t)
	page, err := c.Users(t.Context(), ListOptions{Limit: 1})
	require.NoError(t, err)
	require.Len(t, page.Items[0].Held, len(entries))
	_, err = startConsole(t, crowded(1, 145_000)).client(t).Users(t.Context(), ListOptions{Limit: 1})
	require.ErrorContains(t, err, "a row is larger than 8388608 bytes")
}

// A lookup goes on with smaller pages, and begins anew with them if the console refuses a cursor
// of larger ones.
func TestLookups_HalveThePage(t *testing.T) {
	t.Parallel()
	f := startConsole(t, crowded(40, 5000))
	found, err := f.client(t).UsersByName(t.Context(), "Ana Roy")
	require.NoError(t, err)
	require.Len(t, found, 40)
	var limits []string
	for _, r := range f.requests() {
		limits = append(limits, r.URL.Query().Get("limit"))
	}
	require.Equal(t, []string{"1000", "500", "250", "125", "62", "31", "15", "15", "15"}, limits)
	found, err = f.client(t).SearchUsers(t.Context(), "Ana")
	require.NoError(t, err)
	require.Len(t, found, 20)

	large, small := crowded(40, 5000), crowded(40, 1)
	f = startConsole(t, func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case q.Get("cursor") == "" && q.Get("limit") == "1000": // its cursor is bound to the limit
			_, _ = io.WriteString(w, `{"data":[],"pagination":{"nextCursor":"1"}}`)
		case q.Get("cursor") == "1" && q.Get("limit") == "1000":
			large(w, r)
		case q.Get("cursor") == "1":
			respond(400, `{"errors":[{"code":4000010,"title":"Validation Error"}]}`)(w, r)
		default:
			small(w, r)
		}
	})
	found, err = f.client(t).UsersByName(t.Context(), "Ana Roy")
	require.NoError(t, err)
	require.Len(t, found, 40)
	require.Equal(t, 6, f.count())
}

// The old way to decode a page, whole, is what the stream has to agree with.
func wholePage(body []byte) (Page[access.Principal], error) {
	var a struct {
		envelope

		Data []struct {
			userRow

			ScopeRoles []struct {
				ID     id `json:"id"`
				RoleID id `json:"roleId"`
			} `json:"scopeRoles"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return Page[access.Principal]{}, err
	}
	rows := &pageRows[userRow, access.Principal]{items: []access.Principal{}}
	for _, r := range a.Data {
		for _, h := range r.ScopeRoles {
			if h.RoleID == "" {
				r.userRow.ScopeRoles.unnamed++
				continue
			}
			held := access.HeldRole{RoleID: string(h.RoleID), ScopeID: string(h.ID)}
			r.userRow.ScopeRoles.named = append(r.userRow.ScopeRoles.named, held)
		}
		if err := rows.add(r.userRow, 0, maxPage); err != nil {
			return Page[access.Principal]{}, err
		}
	}
	if a.Data == nil {
		rows = nil
	}
	return rows.page(a.envelope, errNoData)
}

// The stream finds in a body what decoding it whole finds.
func FuzzStream(f *testing.F) {
	for _, body := range goldenBodies() {
		f.Add([]byte(body))
	}
	for _, roles := range []string{
		`null`, `[]`, `[ ]`, `[null,{}]`, `[{"ID":1,"ROLEID":"2"}]`, `[{"\u0069d":"3","roleId" : 4 , "x":[{"id":5}]}]`,
		`[{"roleId":"1","roleId":null}]`,
		`[{"x":{"roleId":"1"},"roleId":"\"]}"}, {"roleId":7}]`, `{}`, `[[]]`, `[{"id":-1}]`,
	} {
		f.Add([]byte(`{"data":[{"id":"1","scope":"site","scopeRoles":` + roles + `}],"pagination":{}}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		want, wantErr := wholePage(body)
		got, err := pageFrom[userRow](body)
		if err != nil && wantErr == nil {
			require.ErrorContains(t, err, "twice") // which decoding it whole mixes
			return
		}
		require.Equal(t, wantErr == nil, err == nil, "%v, %v", wantErr, err)
		if err == nil {
			require.Equal(t, want, got)
		}
	})
}

// BenchmarkCrowdedPage is a page of 80 users with 1,555 roles each.
func BenchmarkCrowdedPage(b *testing.B) {
	s := consoletest.New(consoletest.Options{Sites: 1555, Users: 80, RolesEach: 1555})
	w := &recorder{header: http.Header{}}
	const path = "http://localhost" + apiPath + "/users?limit=80"
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, path, nil)
	require.NoError(b, err)
	r.Header.Set("Authorization", "ApiToken "+s.Token())
	s.Handler().ServeHTTP(w, r)
	body := w.Bytes()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		page, err := decodePage[userRow](bytes.NewReader(body), bounds{rows: 80, row: defaultMaxRow, page: 1 << 40})
		require.NoError(b, err)
		require.Len(b, page.Items, 80)
	}
}

type recorder struct {
	bytes.Buffer

	header http.Header
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(int)     {}
