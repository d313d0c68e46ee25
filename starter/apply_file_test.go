package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func compileText(t *testing.T, text string) ([]fileChange, error) {
	t.Helper()
	rows, err := parseFile([]byte(text))
	changes, more := compiler{requester: "bob@example.com"}.all(rows)
	return changes, inOrder(err, more)
}

func TestParseFile(t *testing.T) {
	t.Parallel()
	want := fileRow{
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
		got, err := parseFile([]byte(text))
		require.NoError(t, err, form)
		require.Len(t, got, 1, form)
		require.Equal(t, 3, got[0].line, form)
		got[0].line = 0
		require.Equal(t, want, got[0], form)
	}
}

func TestCompile_EveryFaultWithItsLine(t *testing.T) {
	t.Parallel()
	changes, err := compileText(t, strings.Join([]string{
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
		`line 2: action is "give": write grant or revoke`,
		`line 3: kind is "": write user or serviceUser`,
		`line 4: it has 4 columns, the header has 9`,
		`line 5: role: give one of name and id`,
		`line 5: duration: invalid duration "-1h": write 90m, 24h or 7d`,
		`line 6: what "Berlin" is cannot be told, since no sync has seen it: say its level, account or site`,
		`line 6: duration: 400d is too long: the longest is 8784h; leave it out for a role for good`,
		`line 6: id "a@b": no e-mail addresses in ids, which Temporal keeps in clear`,
		`line 7: duration is given for a revoke, which is for good: leave it out`,
		`line 9: it is the same request as line 8: take one out, or give each an id of its own`,
		`line 11: it is the same request as line 10: take one out, or give each an id of its own`,
	}, "\n"))
}

func TestParseFile_Malformed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                     "it is empty",
		" \n":                                  "it is empty",
		"grant,user,ana,SOC,site,Berlin":       `line 1: "grant" is no column`,
		"action,principal,role\n":              `line 1: column "scope" is missing`,
		"action,action,principal,role,scope\n": `line 1: column "action" is there twice`,
		"action,principal,role,scope\na,\"b":   "line 2",
		"[\n{\"action\":\"grant\"},\n{\"acton\":\"grant\"}]": `line 3: json: unknown field "acton"`,
		"[\n{\"principal\":7}\n]":                            "line 2: json: cannot unmarshal number",
		"{\"action\":\"grant\"}\n{\"action\"":                "line 2: this is not JSON",
		"[{\"action\":\"grant\"}":                            "the array does not end",
		"{\"action\":\"grant\"}\nrevoke,user":                "line 2: this is not JSON",
	} {
		_, err := parseFile([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

// The id of a line follows from what it says, and from nothing else.
func TestCompile_IDs(t *testing.T) {
	t.Parallel()
	const header = "action,principal,role,level,scope,duration,id\n"
	id := func(c compiler, line string) string {
		rows, err := parseFile([]byte(header + line))
		require.NoError(t, err)
		got, err := c.all(rows)
		require.NoError(t, err)
		return got[0].id
	}
	line := "grant,ana@example.com,SOC,site,Berlin,4h,"
	first := id(compiler{requester: "bob"}, line)
	require.Equal(t, "grant/apply-66b4f2003214ff13", first, "it must never change: files are recognised by it")
	require.Equal(t, first, id(compiler{requester: "carol", console: host, dryRun: true}, "\n"+line))
	require.NotEqual(t, first, id(compiler{batch: "2"}, line))
	require.NotEqual(t, first, id(compiler{}, "grant,ana@example.com,SOC,site,Berlin,5h,"))
	require.NotEqual(t, first, id(compiler{}, "grant,ana@example.com,SOC,account,Berlin,4h,"))
	require.Equal(t, "revoke/INC-1", id(compiler{}, "revoke,ana@example.com,SOC,site,Berlin,,INC-1"))
}
