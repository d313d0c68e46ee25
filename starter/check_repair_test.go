//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
)

// A refusal because of the scope of the token's user says so: a permission to add would be there
// already.
func TestCheck_TokenAtTheWrongScope(t *testing.T) {
	for says, want := range map[string]string{
		"Action is not allowed to multi-scope users":                                 "holds roles at several scopes",
		"User scope level is account. Please provide a valid account ID or site ID.": "at the wrong scope (account)",
	} {
		console := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/system/info") || strings.HasSuffix(r.URL.Path, "/api-token-details") {
				_, _ = fmt.Fprint(w, `{"data":{}}`)
				return
			}
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `{"errors":[{"code":4030010,"detail":%q,"title":"Insufficient permissions"}]}`, says)
		}))
		environ(t, map[string]string{
			"SENTINELONE_BASE_URL": console.URL, "SENTINELONE_API_TOKEN": canary,
			"DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "none.db"),
		})
		got := run(t, "check")
		console.Close()
		require.Equal(t, exitFailed, got.code)
		require.Equal(t, 1, strings.Count(got.errOut, "error: "), "once for all collections: %s", got.errOut)
		require.Contains(t, got.errOut, want)
		require.Contains(t, got.errOut, "adding a permission does not help")
		require.Contains(t, got.out, "Create New Service User: one role, at one scope")
		require.NotContains(t, got.out+got.errOut, "lacks")
	}
}

// A permission that is missing comes with the place to click; a token that is refused too.
func TestCheck_SaysWhereToClick(t *testing.T) {
	s := consoletest.Start(t, consoletest.Options{Token: canary})
	s.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/service-users"})
	consoleAt(t, s)
	got := run(t, "check")
	require.Contains(t, got.out, "Actions → Edit: tick Service Users: view")
	for _, f := range decode[checkAnswer](t, run(t, "check", "-o", "json")).Checks {
		if f.Name == "Service Users.view" {
			require.Contains(t, f.Fix, "tick Service Users: view")
		}
	}
	s.AddFault(consoletest.Fault{Name: consoletest.Unauthorized})
	require.Contains(t, run(t, "check").out, "Users → Service Users → Actions → Create New Service User, or renew")
}

// One person in two spellings is one person, in one group and in several.
func TestPolicyCheck_OnePersonInTwoSpellings(t *testing.T) {
	environ(t, nil)
	path := filepath.Join(t.TempDir(), "policy.yaml")
	for _, other := range []string{
		"ANA@Müller.DE", "ana@müller.de.", "mailto:ana@müller.de", "Ana <ana@müller.de>", "ａna@müller.de",
		"a\u200bna@müller.de", " ana@müller.de ", "ana@mu\u0308ller.de", "ana@xn--mller-kva.de",
	} {
		for _, groups := range []string{
			"  soc: ['ana@müller.de', '%s']\n", "  soc: ['ana@müller.de']\n  more: ['%s']\n",
		} {
			from := "[soc]"
			if strings.Contains(groups, "more") {
				from = "[soc, more]"
			}
			text := "groups:\n" + fmt.Sprintf(groups, other) +
				"rules:\n  - name: all\n    approvals: [{from: " + from + ", need: 2}]\n"
			require.NoError(t, os.WriteFile(path, []byte("\ufeff"+text), 0o600))
			got := run(t, "policy", "check", path)
			require.NotEqual(t, exitDone, got.code, "%+q", other)
			require.Regexp(t, `twice: as|1 different member`, got.errOut, "%+q", other)
		}
	}
}
