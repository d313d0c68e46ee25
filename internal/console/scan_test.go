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

// goldenBodies start the fuzzers off with every shape that the tests know.
func goldenBodies() []string {
	return []string{
		usersBody, sitesBody, rolesBody, emptyPage, serviceUserBody, unauthorizedBody, serviceUserGone,
		`{"data":[` + serviceUserBody + `],"pagination":{"totalItems":1,"nextCursor":null}}`,
		`{"data":{"id":"17","scope":"tenant","scopeRoles":[{"id":"9","roleId":8},null]}}`,
		`{}`, `null`, ``, `[`, `{"data":null}`, `"\ud83d\ude00\u0000\\\""`, "\"\xff\"",
		`-0.5e+10`, `01`, `1.`, `-`, `1e`, `tru`,
		strings.Repeat(`[`, 2*maxNesting), `{"a":1,}`, `[1,]`, `[,1]`, `{"a" 1}`, "\"\n\"", `"\x"`, `"\u12"`, `{} {}`,
		fmt.Sprintf(nginxPage, 429, 429), `{"errors":[{"code":1e99,"title":{},"detail":[]},null]}`, `{"errors":{}}`,
	}
}

// What the scanner accepts is JSON, and what is JSON it accepts unless it is
// nested too deep.
func FuzzScanner(f *testing.F) {
	for _, body := range goldenBodies() {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := &scanner{data: body}
		s.skip()
		err := s.end()
		if deep := bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > maxNesting; deep {
			return
		}
		require.Equal(t, json.Valid(body), err == nil, "%q: %v", body, err)
	})
}

func FuzzScannerText(f *testing.F) {
	for _, body := range goldenBodies() {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want string
		if !bytes.HasPrefix(bytes.TrimSpace(body), []byte(`"`)) || json.Unmarshal(body, &want) != nil {
			return
		}
		s := &scanner{data: body}
		require.Equal(t, want, s.text())
		require.NoError(t, s.end())
	})
}

// No body whatever makes a decoder panic, and rows come only from an answer that
// is JSON, each with an id.
func FuzzDecoders(f *testing.F) {
	for _, body := range goldenBodies() {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		users, err := decodePage(body, "", principalRows(access.User, scanUser))
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
		sites, err := decodePage(body, "sites", scanSite)
		require.False(t, err != nil && len(sites.Items) > 0)
		roles, err := decodePage(body, "", scanRole)
		require.False(t, err != nil && len(roles.Items) > 0)
		if n, err := decodeCount(body); err == nil {
			require.GreaterOrEqual(t, n, 0)
		}
		_, title, detail := parseErrors(body)
		require.NotContains(t, scrub(title+detail), "\n")
		row := principalRow{}
		if decodePrincipal(body, &row, "17", scanServiceUser) == nil {
			require.Equal(t, "17", row.ID)
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

// No place where an answer may break off leaves a page that looks whole.
func TestDecodePage_CutAnywhere(t *testing.T) {
	t.Parallel()
	body := pageOf(2)
	for i := range body {
		_, err := decodePage(body[:i], "", principalRows(access.User, scanUser))
		require.Error(t, err, i)
	}
	page, err := decodePage(body, "", principalRows(access.User, scanUser))
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
}

func BenchmarkPage(b *testing.B) {
	body := pageOf(PageLimit)
	row := principalRows(access.User, scanUser)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		page, err := decodePage(body, "", row)
		if err != nil || len(page.Items) != PageLimit {
			b.Fatal(err)
		}
	}
}
