package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// One request names each id once. Rows of other ids, from a console that ignores the filter, do not count.
func TestPrincipalsByID(t *testing.T) {
	t.Parallel()
	const two, one = "/users?ids=1%2C2", "/service-users?ids=3"
	f, asked := consoleWithPages(t, map[string]string{
		two: pageJSON("next", 9, bobRow, `{"id":"7"}`), one: pageJSON("", 1, `{"id":"3","name":"svc"}`),
	})
	found, err := f.client(t).PrincipalsByID(t.Context(), access.User, []string{"1", "2", "1"})
	require.NoError(t, err)
	require.Equal(t, []string{"2"}, ids(found))
	found, err = f.client(t).PrincipalsByID(t.Context(), access.ServiceUser, []string{"3"})
	require.NoError(t, err)
	require.Equal(t, []string{"3"}, ids(found))
	require.Equal(t, []string{two, one}, asked())
}

// A text that is no id reaches neither the URL nor the console.
func TestPrincipalsByID_NotSent(t *testing.T) {
	t.Parallel()
	f, _ := consoleWithPages(t, nil)
	found, err := f.client(t).PrincipalsByID(t.Context(), access.User, []string{"", "1&accountIds=2", "a"})
	require.NoError(t, err)
	require.Empty(t, found)
	_, err = f.client(t).PrincipalsByID(t.Context(), "group", []string{"1"})
	require.Equal(t, KindNotSent, asError(t, err).Kind)
	require.Zero(t, f.count())
}

// Principals whose roles do not fit into one page are read by halves, each of them once.
func TestPrincipalsByID_PageTooLarge(t *testing.T) {
	t.Parallel()
	entries := make([]string, 6_000)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"id":"1535334414585%06d","roleId":"1407838462433820674"}`, i)
	}
	held := strings.Join(entries, ",") // a page holds 22 rows of them
	f := startConsole(t, func(w http.ResponseWriter, r *http.Request) {
		rows := strings.Split(r.URL.Query().Get("ids"), ",")
		for i, id := range rows {
			rows[i] = `{"id":"` + id + `","scope":"site","scopeRoles":[` + held + `]}`
		}
		respond(200, pageJSON("", len(rows), rows...))(w, r)
	})
	wanted := make([]string, 30)
	for i := range wanted {
		wanted[i] = strconv.Itoa(i + 1)
	}
	found, err := f.client(t).PrincipalsByID(t.Context(), access.User, wanted)
	require.NoError(t, err)
	require.Equal(t, wanted, ids(found))
	require.Equal(t, 3, f.count(), "one for all, and one for each half")
}

// There is room for as many requests as the budget allows at once.
func TestHasRoom(t *testing.T) {
	t.Parallel()
	f, _ := consoleWithPages(t, nil)
	c := f.client(t, func(cfg *Config) { cfg.Budgets = []Budget{{Prefix: "/users", PerSecond: 0.001, Burst: 1}} })
	require.True(t, c.HasRoom(access.User))
	_, err := c.PrincipalsByID(t.Context(), access.User, []string{"1"})
	require.NoError(t, err)
	require.False(t, c.HasRoom(access.User))
	require.True(t, c.HasRoom(access.ServiceUser), "which has no budget here")
}
