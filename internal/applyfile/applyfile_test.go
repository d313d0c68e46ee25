package applyfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/store"
)

func readText(t *testing.T, text string) ([]Change, error) {
	t.Helper()
	return Reader{Scopes: store.Directory{}, Requester: "bob@example.com"}.Read([]byte(text))
}

func TestParse(t *testing.T) {
	t.Parallel()
	want := Row{
		Action: "grant", Kind: "user", Principal: "ana@example.com", Role: "SOC", Scope: "Acme / Berlin",
		Duration: "4h", Reason: `INC-42, "urgent"`,
	}
	for form, text := range map[string]string{
		"csv": "\xef\xbb\xbfAction, kind,principal,role,scope,duration,reason\r\n\r\n" +
			`grant, user, ana@example.com, SOC, Acme / Berlin, 4h, "INC-42, ""urgent"""` + "\r\n",
		"json array": `[

		  {"action":"grant","kind":"user","principal":"ana@example.com","role":"SOC","scope":"Acme / Berlin",
		   "duration":"4h","reason":"INC-42, \"urgent\""}]`,
		"json lines": "\n\n" + `{"action":"grant","kind":"user","principal":"ana@example.com","role":"SOC",` +
			`"scope":"Acme / Berlin","duration":"4h","reason":"INC-42, \"urgent\""}` + "\n",
	} {
		got, err := Parse([]byte(text))
		require.NoError(t, err, form)
		require.Len(t, got, 1, form)
		require.Equal(t, 3, got[0].Line, form)
		got[0].Line = 0
		require.Equal(t, want, got[0], form)
	}
}

func TestRead_EveryFaultWithItsLine(t *testing.T) {
	t.Parallel()
	changes, err := readText(t, strings.Join([]string{
		"action,kind,principal,role,level,scope,duration,reason,id",
		"give,user,ana@example.com,SOC,site,Berlin,4h,,",
		"grant,,svc.backup,SOC,site,Berlin,4h,,",
		"grant,user,ana@example.com,SOC",
		"grant,user,ana@example.com,,site,Berlin,-1h,,",
		"grant,user,ana@example.com,SOC,,Berlin,400d,,a@b",
		"revoke,user,ana@example.com,SOC,site,Berlin,4h,,",
		"grant,user,ana@example.com,SOC,site,Berlin,4h,,",
		"grant,USER,ana@example.com,SOC,Site,Berlin,240m,,",
		"revoke,service user,7,SOC,,tenant,,,CHG-1",
		"revoke,serviceUser,8,SOC,,tenant,,,CHG-1",
	}, "\n"))
	require.Len(t, changes, 2)
	require.EqualError(t, err, strings.Join([]string{
		`line 2: unknown action "give": write grant or revoke`,
		`line 3: unknown kind "": write user or serviceUser`,
		`line 4: it has 4 columns, the header has 9`,
		`line 5: role: give one of name and id`,
		`line 5: duration: invalid duration "-1h": write 90m, 24h or 7d`,
		`line 6: cannot tell whether "Berlin" is an account or a site (not in the last sync): ` +
			"write account or site in column level",
		`line 6: duration: 400d is above the maximum of 8784h; leave it empty for a permanent grant`,
		`line 6: invalid id "a@b": no e-mail addresses, because Temporal stores ids unencrypted`,
		`line 7: duration does not apply to a revoke: leave it empty`,
		`line 9: same request as line 8: remove one, or give each an id of its own`,
		`line 11: same request as line 10: remove one, or give each an id of its own`,
	}, "\n"))
}

func TestParse_Malformed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                     "the file is empty",
		" \n":                                  "the file is empty",
		"grant,user,ana,SOC,site,Berlin":       `line 1: unknown column "grant"`,
		"action,principal,role\n":              `line 1: column "scope" is missing`,
		"action,action,principal,role,scope\n": `line 1: duplicate column "action"`,
		"action,principal,role,scope\na,\"b":   "line 2",
		"[\n{\"action\":\"grant\"},\n{\"acton\":\"grant\"}]": `line 3: json: unknown field "acton"`,
		"[\n{\"principal\":7}\n]":                            "line 2: json: cannot unmarshal number",
		"{\"action\":\"grant\"}\n{\"action\"":                "line 2: invalid JSON",
		"[{\"action\":\"grant\"}":                            "the array does not end",
		"{\"action\":\"grant\"}\nrevoke,user":                "line 2: invalid JSON",
	} {
		_, err := Parse([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

// The id of a line follows from what it says, and from nothing else.
func TestRead_IDs(t *testing.T) {
	t.Parallel()
	const header = "action,principal,role,level,scope,duration,id\n"
	id := func(r Reader, line string) string {
		r.Scopes = store.Directory{}
		got, err := r.Read([]byte(header + line))
		require.NoError(t, err)
		return got[0].ID
	}
	line := "grant,ana@example.com,SOC,site,Berlin,4h,"
	first := id(Reader{Requester: "bob"}, line)
	require.Equal(t, "grant/apply-66b4f2003214ff13", first, "it must never change: files are recognised by it")
	require.Equal(t, first, id(Reader{Requester: "carol", Console: "acmeco.example.net", DryRun: true}, "\n"+line))
	require.NotEqual(t, first, id(Reader{Batch: "2"}, line))
	require.NotEqual(t, first, id(Reader{}, "grant,ana@example.com,SOC,site,Berlin,5h,"))
	require.NotEqual(t, first, id(Reader{}, "grant,ana@example.com,SOC,account,Berlin,4h,"))
	require.Equal(t, "revoke/INC-1", id(Reader{}, "revoke,ana@example.com,SOC,site,Berlin,,INC-1"))
}
