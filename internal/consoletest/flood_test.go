package consoletest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// floods are the faults whose response is too large, each with its check of what is read of it.
var floods = map[consoletest.FaultKind]func(t *testing.T, body *json.Decoder, sent int64){
	consoletest.GzipBomb: func(t *testing.T, body *json.Decoder, sent int64) {
		t.Helper()
		require.Less(t, sent, int64(60_000))
		require.NoError(t, body.Decode(&struct{}{}))
		require.Greater(t, body.InputOffset(), int64(19_000_000*len("{},")))
	},
	consoletest.LongRow: func(t *testing.T, body *json.Decoder, _ int64) {
		t.Helper()
		first, _ := rowsOf(t, body)
		require.Greater(t, len(first), 9_000_000)
	},
	consoletest.ExtraRows: func(t *testing.T, body *json.Decoder, _ int64) {
		t.Helper()
		_, n := rowsOf(t, body)
		require.Equal(t, 4, n)
	},
	consoletest.EndlessBody: func(t *testing.T, body *json.Decoder, _ int64) {
		t.Helper()
		_, err := body.Token()
		require.NoError(t, err)
		_, err = body.Token()
		require.NoError(t, err)
		_, err = io.CopyN(io.Discard, body.Buffered(), 100)
		require.NoError(t, err)
	},
}

// rowsOf are the first row and the number of rows.
func rowsOf(t *testing.T, body *json.Decoder) (json.RawMessage, int) {
	t.Helper()
	var page struct {
		Data json.RawMessage `json:"data"`
	}
	require.NoError(t, body.Decode(&page))
	var rows []json.RawMessage
	if page.Data[0] == '{' {
		var sites struct {
			Sites []json.RawMessage `json:"sites"`
		}
		require.NoError(t, json.Unmarshal(page.Data, &sites))
		return sites.Sites[0], len(sites.Sites)
	}
	require.NoError(t, json.Unmarshal(page.Data, &rows))
	return rows[0], len(rows)
}

func TestFault_Floods(t *testing.T) {
	t.Parallel()
	for kind, check := range floods {
		for _, path := range listPaths {
			s := consoletest.Start(t, consoletest.Options{Accounts: 3})
			s.AddFault(consoletest.Fault{Name: kind, Path: path})
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
				s.URL+consoletest.BasePath+path+"?limit=3", nil)
			require.NoError(t, err)
			req.Header.Set("Authorization", "ApiToken "+s.Token())
			res, err := client.Do(req)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, res.StatusCode)
			check(t, json.NewDecoder(res.Body), res.ContentLength)
			require.NoError(t, res.Body.Close())
		}
	}
}

// A crowded page is what the console would send without the short cut, and as its truth says.
func TestCrowdedPage(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{Sites: 40, Users: 5, RolesEach: 30})
	body := get(t, s, "/users?limit=3").body
	page := struct {
		Data       []json.RawMessage `json:"data"`
		Pagination struct {
			NextCursor string `json:"nextCursor"`
			TotalItems int    `json:"totalItems"`
		} `json:"pagination"`
	}{}
	require.NoError(t, json.Unmarshal(body, &page))
	require.Len(t, page.Data, 3)
	require.Equal(t, 5, page.Pagination.TotalItems)
	require.NotEmpty(t, page.Pagination.NextCursor)
	users := principals(s.Truth(), access.User)
	for i, raw := range page.Data {
		require.Len(t, users[i].Held, 30)
		one := get(t, s, "/users/"+users[i].ID).json(t)["data"].(map[string]any)
		var row map[string]any
		require.NoError(t, json.NewDecoder(bytes.NewReader(raw)).Decode(&row))
		for name, value := range row {
			require.Equal(t, one[name], value, name)
		}
	}
	// An edited user has a list of its own.
	require.NoError(t, s.SetUserRoles(users[0].ID, access.Tenant, []access.HeldRole{{RoleID: s.Truth().Roles[0].ID}}))
	require.NoError(t, json.Unmarshal(get(t, s, "/users?limit=3").body, &page))
	require.Contains(t, string(page.Data[0]), `"scope":"tenant"`)
}
