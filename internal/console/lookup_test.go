package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// consoleWithPages starts a console with a body for each query, without limit and order; any other query
// gets an empty page.
func consoleWithPages(t *testing.T, bodies map[string]string) (*fakeConsole, func() []string) {
	t.Helper()
	key := func(r *http.Request) string {
		q := r.URL.Query()
		q.Del("limit")
		q.Del("sortBy")
		q.Del("sortOrder")
		return strings.TrimPrefix(r.URL.Path, apiPath) + "?" + q.Encode()
	}
	f := startConsole(t, func(w http.ResponseWriter, r *http.Request) {
		body, ok := bodies[key(r)]
		if !ok {
			body = emptyPage
		}
		respond(200, body)(w, r)
	})
	return f, func() (asked []string) {
		for _, r := range f.requests() {
			asked = append(asked, key(r))
		}
		return asked
	}
}

// pageJSON is the JSON of a page of rows.
func pageJSON(next string, total int, rows ...string) string {
	return fmt.Sprintf(`{"data":[%s],"pagination":{"totalItems":%d,"nextCursor":%q}}`,
		strings.Join(rows, ","), total, next)
}

const (
	anaRow = `{"id":"1","email":"Ana@Example.com","fullName":"Ana Roy"}`
	bobRow = `{"id":"2","email":"bob@example.com","fullName":"Bob Roy"}`
)

func ids(found []access.Principal) []string {
	out := []string{}
	for _, p := range found {
		out = append(out, p.ID)
	}
	return out
}

func TestUsersByEmail(t *testing.T) {
	t.Parallel()
	const exact, part = "/users?email=ana%40example.com", "/users?email__contains=ana%40example.com"
	for name, tc := range map[string]struct {
		bodies map[string]string
		want   []string
		asked  []string
	}{
		"found":       {map[string]string{exact: pageJSON("", 1, anaRow)}, []string{"1"}, []string{exact}},
		"wide filter": {map[string]string{exact: pageJSON("", 2, anaRow, bobRow)}, []string{"1"}, []string{exact}},
		"a filter with case": {
			map[string]string{part: pageJSON("", 2, bobRow, anaRow)}, []string{"1"}, []string{exact, part},
		},
		"no user": {nil, []string{}, []string{exact, part}},
	} {
		f, asked := consoleWithPages(t, tc.bodies)
		found, err := f.client(t).UsersByEmail(t.Context(), "ana@example.com")
		require.NoError(t, err, name)
		require.Equal(t, tc.want, ids(found), name)
		require.NotNil(t, found)
		require.Equal(t, tc.asked, asked(), name)
	}
}

func TestUsersByEmail_NotSent(t *testing.T) {
	t.Parallel()
	f, _ := consoleWithPages(t, nil)
	for _, text := range noEmails {
		_, err := f.client(t).UsersByEmail(t.Context(), text)
		require.EqualError(t, err, "GET /users: not sent: this is not an e-mail address that a console accepts")
		require.Equal(t, KindNotSent, asError(t, err).Kind)
	}
	require.Zero(t, f.count())
	for _, text := range []string{"Ana.Roy+x@sub.example.com", "o'ana=roy@example.com", "a@b", "ana@ex_ample-1.co"} {
		_, err := f.client(t).UsersByEmail(t.Context(), text)
		require.NoError(t, err, text)
	}
}

func TestLookups_ErrorsDoNotHoldTheText(t *testing.T) {
	t.Parallel()
	const email = "o'ana=roy@example.com"
	body := `{"errors":[{"title":"` + email + `","detail":"no ` + email + ` or ` + url.QueryEscape(email) + `"}]}`
	f := startConsole(t, respond(400, body))
	c := f.client(t)
	gone := f.client(t)
	gone.base.Host = "127.0.0.1:1"
	for _, c := range []*Client{c, gone} {
		for _, ask := range []func() error{
			func() error { _, err := c.UsersByEmail(t.Context(), email); return err },
			func() error { _, err := c.UsersByName(t.Context(), email); return err },
			func() error { _, err := c.SearchUsers(t.Context(), email); return err },
			func() error { _, err := c.ServiceUsersByName(t.Context(), email); return err },
			func() error { _, err := c.SearchServiceUsers(t.Context(), email); return err },
		} {
			err := ask()
			require.Error(t, err)
			require.NotContains(t, allPrints(err), "ana")
			require.NotContains(t, allPrints(err), "example")
		}
	}
}

// An incomplete list must never lead to "not found" or to "unique".
func TestLookups_ReadAllPagesAndCheckTheCount(t *testing.T) {
	t.Parallel()
	const first, second = "/users?fullName=Ana+Roy", "/users?cursor=bmV4dA%3D%3D&fullName=Ana+Roy"
	const third = `{"id":"3","fullName":"Ana Roy"}`
	for name, tc := range map[string]struct {
		one, two string
		want     []string
		err      string
	}{
		"two pages":         {pageJSON("bmV4dA==", 3, anaRow, bobRow), pageJSON("", 3, third), []string{"1", "3"}, ""},
		"a row twice":       {pageJSON("bmV4dA==", 2, anaRow), pageJSON("", 2, anaRow, third), []string{"1", "3"}, ""},
		"more than counted": {pageJSON("bmV4dA==", 1, anaRow), pageJSON("", 1, third), []string{"1", "3"}, ""},
		"row less": {
			pageJSON("bmV4dA==", 3, anaRow), pageJSON("", 3, third), nil, "it counts 3 rows but returned 2",
		},
		"none of one":     {pageJSON("", 1), "", nil, "it counts 1 rows but returned 0"},
		"no data":         {pageJSON("bmV4dA==", 2, anaRow), `{}`, nil, "the response has no data"},
		"no pagination":   {`{"data":[]}`, "", nil, "no pagination"},
		"cut":             {pageJSON("bmV4dA==", 2, anaRow), `{"data":[`, nil, "cut short"},
		"the same cursor": {pageJSON("bmV4dA==", 2, anaRow), pageJSON("bmV4dA==", 2, third), nil, "never end"},
	} {
		f, _ := consoleWithPages(t, map[string]string{first: tc.one, second: tc.two})
		found, err := f.client(t).UsersByName(t.Context(), "Ana Roy")
		if tc.err == "" {
			require.NoError(t, err, name)
			require.Equal(t, tc.want, ids(found), name)
			continue
		}
		require.ErrorContains(t, err, tc.err, name)
		require.True(t, asError(t, err).Temporary())
		require.Nil(t, found)
	}
	f, _ := consoleWithPages(t, map[string]string{
		first: pageJSON("bmV4dA==", 9, anaRow), second: pageJSON("b3RoZXI=", 9, bobRow),
		"/users?cursor=b3RoZXI%3D&fullName=Ana+Roy": pageJSON("bmV4dA==", 9),
	})
	_, err := f.client(t).UsersByName(t.Context(), "Ana Roy")
	require.ErrorContains(t, err, "cursors repeat")
	require.Equal(t, 3, f.count())
}

func TestServiceUsersByName_ReadsTheListBeforeItReturnsNone(t *testing.T) {
	t.Parallel()
	const near = `{"id":"1","name":"svc.siem.1"}`
	const exact = `{"id":"2","name":"svc.siem"}`
	found := func(bodies map[string]string) ([]string, []string) {
		f, asked := consoleWithPages(t, bodies)
		list, err := f.client(t).ServiceUsersByName(t.Context(), "svc.siem")
		require.NoError(t, err)
		return ids(list), asked()
	}
	const query, all, rest = "/service-users?query=svc.siem", "/service-users?", "/service-users?cursor=bmV4dA%3D%3D"
	got, asked := found(map[string]string{query: pageJSON("", 2, near, exact)})
	require.Equal(t, []string{"2"}, got)
	require.Equal(t, []string{query}, asked)

	got, asked = found(map[string]string{
		query: pageJSON("", 1, near), all: pageJSON("bmV4dA==", 2, near), rest: pageJSON("", 2, exact),
	})
	require.Equal(t, []string{"2"}, got)
	require.Equal(t, []string{query, all, rest}, asked)

	got, asked = found(nil)
	require.Empty(t, got)
	require.Equal(t, []string{query, all}, asked)
}

func TestSearch(t *testing.T) {
	t.Parallel()
	many := make([]string, 20)
	for i := range many {
		many[i] = fmt.Sprintf(`{"id":"%d","name":"n"}`, i+1)
	}
	page := pageJSON("bmV4dA==", 90, many...)
	sites := strings.Replace(strings.Replace(page, `"data":[`, `"data":{"sites":[`, 1), `],"pag`, `]},"pag`, 1)
	f, _ := consoleWithPages(t, map[string]string{
		"/users?query=an": page, "/service-users?query=an": page, "/sites?query=an": sites,
	})
	c := f.client(t)
	users, err := c.SearchUsers(t.Context(), "an")
	require.NoError(t, err)
	require.Len(t, users, 20)
	services, err := c.SearchServiceUsers(t.Context(), "an")
	require.NoError(t, err)
	require.Len(t, services, 20)
	found, err := c.SearchSites(t.Context(), "an")
	require.NoError(t, err)
	require.Len(t, found, 20)
	for _, r := range f.requests() {
		require.Equal(t, "20", r.URL.Query().Get("limit"))
	}
	require.Equal(t, 3, f.count(), "one page each")
}

func TestLookups_EmptyText(t *testing.T) {
	t.Parallel()
	f, _ := consoleWithPages(t, nil)
	c := f.client(t)
	for _, text := range []string{"", " \t"} {
		for _, ask := range []func() error{
			func() error { _, err := c.UsersByName(t.Context(), text); return err },
			func() error { _, err := c.ServiceUsersByName(t.Context(), text); return err },
			func() error { _, err := c.SearchUsers(t.Context(), text); return err },
			func() error { _, err := c.SearchServiceUsers(t.Context(), text); return err },
			func() error { _, err := c.SitesByName(t.Context(), text); return err },
			func() error { _, err := c.SearchSites(t.Context(), text); return err },
		} {
			require.Equal(t, KindNotSent, asError(t, ask()).Kind)
		}
	}
	require.Zero(t, f.count())
}

func TestScopes(t *testing.T) {
	t.Parallel()
	const siteRow = `{"id":"5","name":"Berlin","accountId":"9","registrationToken":"CANARY"}`
	f, asked := consoleWithPages(t, map[string]string{
		"/rbac/roles?includeChildren=true&includeParents=true": rolesBody,
		"/accounts?":         pageJSON("", 2, `{"id":"1","name":"Acme"}`, `{"id":"2","name":"Acme"}`),
		"/sites?name=Berlin": sitesBody,
		"/sites/5?":          `{"data":` + siteRow + `}`,
		"/accounts/9?":       `{"data":{"id":"9","name":"Acme","state":"active"}}`,
		"/accounts/8?":       `{"data":{"id":"9","name":"Acme","state":"active"}}`,
	})
	c := f.client(t)
	roles, err := c.AllRoles(t.Context())
	require.NoError(t, err)
	require.Len(t, roles, 2)
	require.Equal(t, access.SiteLevel, roles[1].Scope)
	accounts, err := c.AllAccounts(t.Context())
	require.NoError(t, err)
	require.Len(t, accounts, 2)
	sites, err := c.SitesByName(t.Context(), "Berlin")
	require.NoError(t, err)
	require.Len(t, sites, 2)
	require.NotContains(t, allPrints(sites), "CANARY")
	sites, err = c.SitesByName(t.Context(), "Ber")
	require.ErrorContains(t, err, "at data: expected an object")
	require.Nil(t, sites)
	site, err := c.SiteByID(t.Context(), "5")
	require.NoError(t, err)
	require.Equal(t, access.Site{ID: "5", Name: "Berlin", AccountID: "9"}, site)
	account, err := c.AccountByID(t.Context(), "9")
	require.NoError(t, err)
	require.Equal(t, access.Account{ID: "9", Name: "Acme", State: "active"}, account)
	_, err = c.AccountByID(t.Context(), "8")
	require.ErrorContains(t, err, "another id")
	require.True(t, slices.Contains(asked(), "/sites?name=Berlin"))

	before := f.count()
	_, err = c.SiteByID(t.Context(), "x")
	require.Equal(t, KindNotSent, asError(t, err).Kind)
	_, err = c.AccountByID(t.Context(), "")
	require.Equal(t, KindNotSent, asError(t, err).Kind)
	require.Equal(t, before, f.count())
}

// A site with another spelling that passes the console's filter is not a match.
func TestSitesByName_Exactly(t *testing.T) {
	t.Parallel()
	f, _ := consoleWithPages(t, map[string]string{"/sites?name=berlin": sitesBody, "/sites?query=berlin": sitesBody})
	sites, err := f.client(t).SitesByName(t.Context(), "berlin")
	require.NoError(t, err)
	require.Equal(t, []access.Site{}, sites)
}
