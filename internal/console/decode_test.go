package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// goldenBodies are the seeds of the fuzzers: every body of the tests.
func goldenBodies() []string {
	return []string{
		usersBody, sitesBody, rolesBody, emptyPage, serviceUserBody, unauthorizedBody, serviceUserGone,
		`{"data":[` + serviceUserBody + `],"pagination":{"totalItems":1,"nextCursor":null}}`,
		success, user17, `{"data":` + serviceUserBody + `}`, `{"data":{"token":"x"}}`,
		`{"data":{"id":"17","scope":"tenant","scopeRoles":[{"id":"9","roleId":8},null]}}`,
		`{}`, `null`, ``, `[`, `{"data":null}`, `"\ud83d\ude00\u0000\\\""`, "\"\xff\"",
		`-0.5e+10`, `01`, `1.`, `-`, `1e`, `tru`,
		strings.Repeat(`[`, 400), `{"a":1,}`, `[1,]`, `[,1]`, `{"a" 1}`, "\"\n\"", `"\x"`, `"\u12"`, `{} {}`,
		fmt.Sprintf(nginxPage, 429, 429), `{"errors":[{"code":1e99,"title":{},"detail":[]},null]}`, `{"errors":{}}`,
	}
}

// No body makes a decoder panic, and only JSON yields rows, each with an id.
func FuzzDecoders(f *testing.F) {
	for _, body := range goldenBodies() {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		users, err := pageFrom[userRow](body)
		if err == nil {
			require.True(t, json.Valid(body))
		}
		for _, u := range users.Items {
			require.NotEmpty(t, u.ID)
			for _, h := range u.Held {
				require.NotEmpty(t, h.RoleID)
				require.Equal(t, u.Level == access.Tenant, h.ScopeID == "")
			}
		}
		sites, err := decodeSites(bytes.NewReader(body), testBounds)
		require.False(t, err != nil && len(sites.Items) > 0)
		roles, err := pageFrom[roleRow](body)
		require.False(t, err != nil && len(roles.Items) > 0)
		if n, err := decodeCount(body); err == nil {
			require.GreaterOrEqual(t, n, 0)
		}
		_, title, detail := parseErrors(body)
		require.NotContains(t, scrub(title+detail), "\n")
		if one, err := decodeSingle[serviceUserRow, access.Principal](body, "17"); err == nil {
			require.Equal(t, "17", one.ID)
		}
	})
}

// The same for responses to writes; a token is returned only with its service user.
func FuzzDecodersOfWrites(f *testing.F) {
	for _, body := range goldenBodies() {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if made, err := decodeNew[userRow](body); err == nil {
			require.NotEmpty(t, made.ID)
		}
		made, token, err := decodeNewServiceUser(body)
		require.Equal(t, err == nil, token.Reveal() != "")
		require.Equal(t, err == nil, made.ID != "")
		if token, err := decodeToken(body); err == nil {
			require.NotEmpty(t, token.Reveal())
		}
		if self, err := decodeSelf(body); err == nil {
			require.NotEmpty(t, self.ID)
			require.NotEmpty(t, self.Kind)
		}
		if decodeSuccess(body) == nil {
			require.True(t, json.Valid(body))
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, header := range []string{"", "5", "-1", "99999999999", "Wed, 04 Mar 2026 05:06:47 GMT", "1e3"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		wait := retryAfter(header, now)
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, maxRetryAfter)
	})
}

// pageOf is a page of n users with every field that a console sends, about 1.1 kB each.
func pageOf(n int) []byte {
	var rows struct {
		Data []json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal([]byte(usersBody), &rows); err != nil {
		panic(err)
	}
	body := []byte(`{"data":[`)
	for i := range n {
		if i > 0 {
			body = append(body, ',')
		}
		id := fmt.Appendf(nil, `"%d"`, 418828136350235435+i)
		body = append(body, bytes.Replace(rows.Data[0], []byte(`"418828136350235435"`), id, 1)...)
	}
	return append(body, `],"pagination":{"totalItems":100000,"nextCursor":"YWdlbnRfaWQ6NTgwMjkzODE="}}`...)
}

// A response that is cut short at any byte is an error, never a page.
func TestDecodePage_CutAnywhere(t *testing.T) {
	t.Parallel()
	body := pageOf(2)
	for i := range body {
		_, err := pageFrom[userRow](body[:i])
		require.Error(t, err, i)
	}
	page, err := pageFrom[userRow](body)
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
}

// An error names the place in our own words and never repeats the response.
func TestDecodePage_ErrorsNameThePlace(t *testing.T) {
	t.Parallel()
	const around = `{"data":[{"id":"1"},%s],"pagination":{"nextCursor":%s}}`
	for _, tc := range []struct{ row, cursor, want string }{
		{`{"id":4711.25}`, `""`, "at data.id: expected an id (a whole number)"},
		{`{"id":-4711}`, `""`, "at data.id: expected an id (a whole number)"},
		{`{"id":true}`, `""`, "at data.id: expected an id (a whole number)"},
		{`{"id":"2","email":["CANARY"]}`, `""`, "at data.email: expected a text"},
		{`{"id":"2","isSystem":"CANARY"}`, `""`, "at data.isSystem: expected true or false"},
		{`{"id":"2","isSystem":4711}`, `""`, "at data.isSystem: expected true or false"},
		{`{"id":"2","scopeRoles":{"CANARY":1}}`, `""`, "at data.scopeRoles: expected a list"},
		{`{"id":"2","scopeRoles":["CANARY"]}`, `""`, "at data.scopeRoles: expected an object"},
		{`{"id":"2","scopeRoles":[{"roleId":{}}]}`, `""`, "at data.scopeRoles.roleId: expected an id (a whole number)"},
		{`{"id":"2","apiToken":"CANARY"}`, `""`, "at data.apiToken: expected an object"},
		{`"CANARY"`, `""`, "at data: expected an object"},
		{`{"name":"CANARY"}`, `""`, "a row has no id"},
		{`{"id":"2"}`, `["CANARY"]`, "at pagination.nextCursor: expected a text"},
		{`{"id":"2"}`, `CANARY`, "at byte 59: this is not JSON"},
		{`{"id":"2"}`, `""}}CANARY`, "at byte 63: there is something after the end of the JSON"},
	} {
		_, err := pageFrom[userRow](fmt.Appendf(nil, around, tc.row, tc.cursor))
		require.EqualError(t, err, tc.want, tc.row)
		require.NotContains(t, allPrints(err), "CANARY")
		require.NotContains(t, allPrints(err), "4711")
	}
}

// A response that is nested deeply, to exhaust the stack, is an error.
func TestDecodePage_NestedTooDeep(t *testing.T) {
	t.Parallel()
	const depth = 1_000_000
	deep := strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth)
	_, err := pageFrom[userRow]([]byte(`{"x":` + deep + `,"data":[],"pagination":{}}`))
	require.ErrorContains(t, err, "this is not JSON")
}

func BenchmarkPage(b *testing.B) {
	body := pageOf(PageLimit)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		page, err := pageFrom[userRow](body)
		if err != nil || len(page.Items) != PageLimit {
			b.Fatal(err)
		}
	}
}
