package policy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/policy"
)

// Whom no decision would be taken from is no member: the second person of two would be missing for ever. A policy on
// record stays what it was.
func TestLoad_MembersWhoCannotDecide(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	for _, member := range []string{
		"ana(soc)@example.com", "[ana]@example.com", `ana\\x@example.com`, "a:b@example.com",
	} {
		text := "groups:\n  soc: [\"" + member + "\", bob@example.com]\n" +
			"rules:\n  - name: all\n    approvals: [{need: 2, from: [soc]}]\n"
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := policy.Load(path)
		require.ErrorContains(t, err, path+":2: member ")
		require.ErrorContains(t, err, "cannot decide about anything: write the address alone, as in ana@example.com")
		require.Len(t, policy.Faults(err), 1)
		_, err = policy.Parse(path, []byte(text))
		require.NoError(t, err)
	}
}

// A file with a character that an editor does not show is told which one, and where: YAML's own errors are about
// something else.
func TestLoad_StrangeCharacters(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	load := func(text string) error {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := policy.Load(path)
		return err
	}
	const rest = "rules:\n  - name: all\n    approvals: [{need: 1, from: [soc]}]\n"
	for text, why := range map[string]string{
		"# Z\xfcrich\n" + rest:                                ":1: it is not UTF-8: save the file as UTF-8",
		"groups:\n\tsoc: [ana@example.com]\n" + rest:          ":2: it is indented with U+0009: YAML takes spaces",
		"groups:\n\u00a0 soc: [ana@example.com]\n" + rest:     ":2: it is indented with U+00A0: YAML takes spaces",
		"\u200bgroups:\n  soc: [ana@example.com]\n" + rest:    ":1: it is indented with U+200B",
		"groups:\n\ufeff  soc: [ana@example.com]\n" + rest:    ":2: it is indented with U+FEFF",
		"groups:\n  soc: [ana@example.com]\n" + rest + "\x1a": ":6: it is indented with U+001A",
		"groups:\n  soc: [ana@example.com, \x00]\n" + rest:    ":2: it contains U+0000, which does not print",
	} {
		err := load(text)
		require.ErrorContains(t, err, path+why, "%q", text)
		require.Equal(t, path+why, policy.Faults(err)[0].Error()[:len(path+why)], "it is the first fault")
	}
	const good = "groups:\n  soc: [ana@example.com]\n"
	require.NoError(t, load("\ufeff"+good+"# \t\u00a0 blanks, \u200b\n"+rest))
	require.NotContains(t, load(good+"rules: no\n").Error(), "U+")
}
