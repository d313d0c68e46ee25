package consoletest_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// The same options give the same bytes; another seed gives different ones.
func TestNew_IsRepeatable(t *testing.T) {
	t.Parallel()
	o := consoletest.Options{Seed: 5, Accounts: 2, Sites: 9, Users: 40, ServiceUsers: 20, CustomRoles: 8}
	a, b := consoletest.Start(t, o), consoletest.Start(t, o)
	o.Seed = 6
	other := consoletest.Start(t, o)
	for _, path := range listPaths {
		first := get(t, a, path+"?limit=1000").body
		require.Equal(t, string(first), string(get(t, b, path+"?limit=1000").body))
		require.NotEqual(t, string(first), string(get(t, other, path+"?limit=1000").body))
	}
	require.Equal(t, a.Truth(), b.Truth())
}

// The generated data has every case that clients often handle wrongly.
func TestNew_HasTheDifficultCases(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{Accounts: 2, Sites: 8, Users: 60, ServiceUsers: 20, CustomRoles: 9})
	truth := s.Truth()
	custom, siteNames, roleNames := map[string]bool{}, map[string]int{}, map[string]int{}
	for _, r := range truth.Roles {
		custom[r.ID] = !r.Predefined
		roleNames[r.Name]++
	}
	for _, e := range truth.Sites {
		siteNames[e.Name]++
	}
	require.Len(t, siteNames, 4, "8 sites of 2 accounts share 4 names")
	require.Greater(t, roleNames["Helpdesk"], 1)
	levels, most := map[access.Level]int{}, 0
	var tenantCustom, neverLoggedIn, noToken int
	for _, p := range principals(truth, access.User) {
		levels[p.Level]++
		most = max(most, len(p.Held))
		if p.Level == access.Tenant && custom[p.Held[0].RoleID] {
			tenantCustom++
		}
		if p.LastActiveAt == nil {
			neverLoggedIn++
		}
		if p.TokenExpiresAt == nil {
			noToken++
		}
	}
	require.Len(t, levels, 3)
	require.Equal(t, 3, most)
	require.Positive(t, tenantCustom)
	require.Positive(t, neverLoggedIn)
	require.Positive(t, noToken)
	users := string(get(t, s, "/users?limit=1000").body)
	require.Contains(t, users, `"roleName":null`)
	require.Contains(t, users, `{"accountName":null,"name":null,"roleId":`, "no id at tenant level")
	require.Contains(t, users, `"apiToken":null`)
	require.Regexp(t, `"createdAt":"[^"]*\.\d{6}Z","expiresAt":"[^".]*\dZ"`, users)
}

// The averages are those of the measured console: two roles per principal.
func TestPreset_HasTheSizesOfTheTenant(t *testing.T) {
	t.Parallel()
	o, err := consoletest.Preset("tenant")
	require.NoError(t, err)
	truth := consoletest.New(o).Truth()
	require.Len(t, truth.Accounts, 1)
	require.Len(t, truth.Sites, 1555)
	require.Len(t, truth.Roles, 23)
	require.Len(t, principals(truth, access.User), 373)
	require.Len(t, principals(truth, access.ServiceUser), 3426)
	require.InDelta(t, 2*3799, len(truth.Assignments()), 3799/4.0)
	_, err = consoletest.Preset("huge")
	require.ErrorContains(t, err, "choose small, tenant or mssp")
}

// Wrong, missing, expired and replaced tokens, and a wrong scheme, draw the same response.
func TestToken_EveryInvalidTokenDrawsTheSame401(t *testing.T) {
	t.Parallel()
	const want = `{"errors":[{"code":4010010,"detail":null,"title":"Authentication Failed"}]}`
	s := consoletest.Start(t, consoletest.Options{Token: "good"})
	expired := consoletest.Start(t, consoletest.Options{Token: "good", TokenExpiresAt: time.Unix(1e9, 0)})
	for _, c := range []struct{ url, header string }{
		{s.URL, ""}, {s.URL, "ApiToken bad"}, {s.URL, "Bearer good"}, {s.URL, "good"}, {expired.URL, "ApiToken good"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+consoletest.BasePath+"/users", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", c.header)
		r := send(t, req)
		require.Equal(t, http.StatusUnauthorized, r.status)
		require.JSONEq(t, want, string(r.body))
	}
	require.Equal(t, http.StatusOK, get(t, s, "/users").status)
	s.SetToken("better")
	require.Equal(t, http.StatusOK, get(t, s, "/users").status, "ask uses the new one")
}

func TestLists_RejectUnknownParameters(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	other := base64.StdEncoding.EncodeToString([]byte("fullName:1400000000000000000:x"))
	for query, want := range map[string]string{
		"/users?limit=1001":                 "limit: Must be less than or equal to 1000.",
		"/users?limit=0":                    "limit: Must be greater than or equal to 1.",
		"/users?skip=1001":                  "skip: Must be less than or equal to 1000.",
		"/users?tenant=true":                "tenant: Unknown field",
		"/users?updatedAt__gt=x":            "updatedAt__gt: Unknown field",
		"/users?includeChildren=true":       "includeChildren: Unknown field",
		"/users?siteIds=12":                 "siteIds: 0: Must be greater than or equal to 100000000000000000.",
		"/users?siteIds=":                   "siteIds: Length must be between 1 and 500.",
		"/users?email=nobody":               "email: Not a valid email address.",
		"/users?sortBy=shoeSize":            "sortBy: Must be one of: id,",
		"/users?sortOrder=up":               "sortOrder: Must be one of: asc, desc.",
		"/users?cursor=!":                   "Invalid cursor value received",
		"/users?cursor=" + other:            "Invalid cursor value received",
		"/users?countOnly=maybe":            "countOnly: Not a valid boolean.",
		"/rbac/roles?predefinedRole=true":   "predefinedRole: Unknown field",
		"/service-users?createdAt__gt=2020": "createdAt__gt: Unknown field",
		"/sites?name__contains=x":           "name__contains: 0: Shorter than minimum length 2.",
		"/accounts?updatedAt=yesterday":     "updatedAt: Not a valid datetime.",
		"/users?limit=5&limit=6":            "limit: Given more than once.",
	} {
		r := get(t, s, query)
		require.Equal(t, http.StatusBadRequest, r.status, query)
		require.True(t, strings.HasPrefix(r.detail(t), want), "%s: %s", query, r.body)
		require.Contains(t, string(r.body), `"code":4000010`)
	}
	require.Equal(t, http.StatusNotFound, get(t, s, "/no-such-path").status)
}

func TestLists_DefaultsAndCounts(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	r := get(t, s, "/users")
	require.Len(t, rows(t, r), 10)
	require.InDelta(t, 20, r.json(t)["pagination"].(map[string]any)["totalItems"], 0)
	require.JSONEq(t, `{"data":[],"pagination":{"nextCursor":null,"totalItems":20}}`,
		string(get(t, s, "/users?countOnly=true").body))
	require.Len(t, rows(t, get(t, s, "/users?skip=15")), 5)
	require.Empty(t, rows(t, get(t, s, "/users?skip=99")))
	require.Contains(t, string(get(t, s, "/service-users").body), `"nextCursor":""`, "as captured")
	require.Contains(t, string(get(t, s, "/sites").body), `{"data":{"allSites":{`)
}

// Each filter is compared with the same rule applied to the truth.
func TestLists_Filter(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{
		Accounts: 2, Sites: 10, Users: 80, ServiceUsers: 30, CustomRoles: 9,
	})
	truth := s.Truth()
	site, role, second := truth.Sites[1], truth.Roles[3], truth.Accounts[1]
	accountOf := map[string]string{second.ID: second.ID}
	for _, e := range truth.Sites {
		accountOf[e.ID] = e.AccountID
	}
	type principal = access.Principal
	someUser := func(match func(principal) bool) []string {
		var out []string
		for _, p := range principals(truth, access.User) {
			if match(p) {
				out = append(out, p.ID)
			}
		}
		return out
	}
	holds := func(match func(access.HeldRole) bool) []string {
		return someUser(func(p principal) bool { return slices.ContainsFunc(p.Held, match) })
	}
	joined := truth.Principals[10].CreatedAt
	mail := func(part string) func(principal) bool {
		return func(p principal) bool { return strings.Contains(p.Email, part) }
	}
	two := []string{truth.Principals[2].ID, truth.Principals[4].ID}
	for query, want := range map[string][]string{
		"email=ANA@example.com":   someUser(func(p principal) bool { return p.Email == "ana@example.com" }),
		"email__contains=ana,bob": someUser(func(p principal) bool { return mail("ana")(p) || mail("bob")(p) }),
		"query=carol":             someUser(mail("carol")),
		"roleIds=" + role.ID:      holds(func(h access.HeldRole) bool { return h.RoleID == role.ID }),
		"siteIds=" + site.ID:      holds(func(h access.HeldRole) bool { return h.ScopeID == site.ID }),
		"accountIds=" + second.ID: holds(func(h access.HeldRole) bool { return accountOf[h.ScopeID] == second.ID }),
		"source=sso_saml":         someUser(func(p principal) bool { return p.Source == "sso_saml" }),
		"sources=mgmt,sso_saml":   someUser(func(principal) bool { return true }),
		"twoFaEnabled=false":      someUser(func(p principal) bool { return !p.TwoFAEnabled }),
		"createdAt__gte=" + joined.Format(time.RFC3339Nano): someUser(func(p principal) bool {
			return !p.CreatedAt.Before(*joined)
		}),
		"ids=" + strings.Join(two, ","): two,
		"ids=" + unknownID:              {},
	} {
		got := ids(readAll(t, s, "/users", "limit=7&"+query))
		require.ElementsMatch(t, want, got, query)
	}
	require.Equal(t, []string{site.ID}, ids(rows(t, get(t, s, "/sites?siteIds="+site.ID))))
	require.Len(t, rows(t, get(t, s, "/sites?limit=100&accountId="+second.ID)), 5)
	require.Equal(t, []string{second.ID}, ids(rows(t, get(t, s, "/accounts?query="+second.Name))))
	require.Equal(t, []string{second.ID}, ids(rows(t, get(t, s, "/accounts?name="+second.Name))))
}

// Pagination sorted by any field returns each row once, in order.
func TestLists_SortByAnyField(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{Users: 50})
	for _, by := range []string{"fullName", "lastLogin", "email", "twoFaEnabled", "apiTokenExpiresAt", "roleId"} {
		for _, order := range []string{"asc", "desc"} {
			got := readAll(t, s, "/users", "limit=7&sortBy="+by+"&sortOrder="+order)
			unique := map[string]bool{}
			for _, id := range ids(got) {
				unique[id] = true
			}
			require.Len(t, unique, 50, "%s %s", by, order)
			if by == "email" {
				emails := make([]string, len(got))
				for i, row := range got {
					emails[i] = row["email"].(string)
				}
				want := slices.Sorted(slices.Values(emails))
				if order == "desc" {
					slices.Reverse(want)
				}
				require.Equal(t, want, emails)
			}
		}
	}
	down := ids(readAll(t, s, "/users", "limit=7&sortBy=id&sortOrder=desc"))
	up := ids(readAll(t, s, "/users", "limit=7"))
	slices.Reverse(down)
	require.Equal(t, up, down)
}

// Roles of lower scopes are hidden unless requested, relative to the tenant, an account or a site.
func TestRoles_ChildrenAndParents(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{Accounts: 2, Sites: 4, CustomRoles: 16})
	truth := s.Truth()
	count := func(match func(access.Role) bool) int {
		n := 0
		for _, r := range truth.Roles {
			if match(r) {
				n++
			}
		}
		return n
	}
	tenant := count(func(r access.Role) bool { return r.Scope == access.Tenant })
	got := func(query string) int { return len(rows(t, get(t, s, "/rbac/roles?limit=1000&"+query))) }
	require.Less(t, tenant, len(truth.Roles))
	require.Equal(t, tenant, got("includeChildren=false"))
	require.Equal(t, len(truth.Roles), got("includeChildren=true&includeParents=true"))
	account := truth.Accounts[0]
	own := count(func(r access.Role) bool { return r.ScopeID == account.ID })
	require.Equal(t, own, got("accountIds="+account.ID+"&includeParents=false"))
	require.Equal(t, own+tenant, got("accountIds="+account.ID))
	site := truth.Sites[0]
	atSite := count(func(r access.Role) bool { return r.ScopeID == site.ID })
	above := count(func(r access.Role) bool { return r.ScopeID == site.AccountID })
	require.Equal(t, atSite+above+tenant, got("siteIds="+site.ID))
}

// usersInRoles counts each user who holds a role once, unless the options say otherwise.
func TestRoles_UsersInRoles(t *testing.T) {
	t.Parallel()
	for mode, more := range map[consoletest.RoleCount]int{consoletest.CountUsers: 0, consoletest.CountWrong: 1} {
		s := consoletest.Start(t, consoletest.Options{Users: 50, UsersInRoles: mode})
		require.Equal(t, heldBy(s, more), counts(t, s))
		require.NotEmpty(t, s.RemoveUsers(20))
		require.Equal(t, heldBy(s, more), counts(t, s), "after an edit")
	}
	absent := consoletest.Start(t, consoletest.Options{UsersInRoles: consoletest.CountAbsent})
	require.NotContains(t, string(get(t, absent, "/rbac/roles").body), "usersInRoles")
}

func heldBy(s *consoletest.Server, more int) map[string]int {
	truth, out := s.Truth(), map[string]int{}
	for _, r := range truth.Roles {
		out[r.ID] = more
	}
	for _, p := range principals(truth, access.User) {
		seen := map[string]bool{}
		for _, h := range p.Held {
			if !seen[h.RoleID] {
				out[h.RoleID]++
			}
			seen[h.RoleID] = true
		}
	}
	return out
}

func counts(t *testing.T, s *consoletest.Server) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, r := range rows(t, get(t, s, "/rbac/roles?limit=1000&includeChildren=true")) {
		out[r["id"].(string)] = int(r["usersInRoles"].(float64))
	}
	return out
}

// An older console has no path for one service user, but its list can be filtered by id.
func TestServiceUser_OlderConsole(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{NoServiceUserByID: true})
	id := principals(s.Truth(), access.ServiceUser)[0].ID
	require.Equal(t, http.StatusNotFound, get(t, s, "/service-users/"+id).status)
	require.Equal(t, []string{id}, ids(rows(t, get(t, s, "/service-users?ids="+id))))
}

// Sites have the secret that a sync must drop, with the prefix of the options.
func TestSites_CarrySecrets(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{SecretMark: "CANARY"})
	seen := map[string]bool{}
	for _, r := range rows(t, get(t, s, "/sites")) {
		secret := r["registrationToken"].(string)
		require.Regexp(t, `^CANARY-[0-9a-f]{32}$`, secret)
		seen[secret] = true
	}
	require.Len(t, seen, 3)
}

// Budgets are per path, as published: of 40 requests at once, 30 to /service-users (burst 10) are refused, in HTML, and
// none to /users (burst 80). A second later 5 more are served.
func TestRates_AreEnforcedPerPath(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // on a clock that stands still, however slow the machine is
		c := consoletest.New(consoletest.Options{EnforceRates: true})
		refused := func() map[string]int {
			out := map[string]int{}
			for range 40 {
				for _, path := range []string{"/users", "/service-users"} {
					req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, consoletest.BasePath+path, nil)
					req.Header.Set("Authorization", "ApiToken "+c.Token())
					r := httptest.NewRecorder()
					c.Handler().ServeHTTP(r, req)
					if r.Code == http.StatusTooManyRequests {
						require.Contains(t, r.Body.String(), "<center>nginx</center>")
						require.Equal(t, "text/html", r.Header().Get("Content-Type"))
						require.Empty(t, r.Header().Get("Retry-After"))
						out[path]++
						continue
					}
					require.Equal(t, http.StatusOK, r.Code)
				}
			}
			return out
		}
		require.Equal(t, map[string]int{"/service-users": 30}, refused())
		time.Sleep(time.Second)
		require.Equal(t, map[string]int{"/service-users": 35}, refused())
	})
}

// A cursor is bound to its order, and stays valid while rows are added and deleted.
func TestCursor_StaysValidWhileRowsChange(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{Users: 30})
	before := principals(s.Truth(), access.User)
	first := get(t, s, "/users?limit=10")
	cursor := first.json(t)["pagination"].(map[string]any)["nextCursor"].(string)
	require.True(t, s.RemoveUser(before[0].ID), "behind the cursor")
	require.True(t, s.RemoveUser(before[9].ID), "the row the cursor names")
	require.True(t, s.RemoveUser(before[15].ID), "ahead of it")
	added, err := s.AddUser(access.Principal{})
	require.NoError(t, err)
	rest := ids(rows(t, get(t, s, "/users?limit=100&cursor="+url.QueryEscape(cursor))))
	want := []string{}
	for i, p := range before[10:] {
		if i != 5 {
			want = append(want, p.ID)
		}
	}
	require.Equal(t, append(want, added), rest)
	require.Equal(t, http.StatusBadRequest,
		get(t, s, "/users?sortBy=email&cursor="+url.QueryEscape(cursor)).status)
}
