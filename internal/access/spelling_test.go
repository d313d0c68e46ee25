package access_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func self(name string) []string { return []string{name} }

// Every name can be typed as messages offer it, in quotes and without, and then means itself.
func TestNamed_OfferedNamesCanBeTyped(t *testing.T) {
	t.Parallel()
	names := []string{
		"SOC", "SOC ", " SOC", "SOC\u00a0", "SOC\u200b", "S\u202eOC", "SOC\tEU", "two  blanks",
		`say "so"`, `back\slash`,
		`\u0041`, `"quoted"`, "Ωμέγα ", "\u3164", "\x7f", "emoji 👍 ", "tab\t",
	}
	for _, name := range names {
		offered := access.Typable(name)
		require.Equal(t, []string{name}, access.Named(names, offered, self), "%s", offered)
		quoted := access.Quoted(name)
		require.Equal(t, []string{name}, access.Named(names, quoted, self), "%s", quoted)
		require.Equal(t, []string{name}, access.Named(names, name, self), "%q", name)
		for _, r := range offered {
			require.True(t, strconv.IsPrint(r) && !access.Invisible(r), "%q is offered with %q", name, r)
		}
	}
	require.Equal(t, "Acme / Berlin", access.Typable("Acme / Berlin"))
	require.Equal(t, `"SOC "`, access.Typable("SOC "))
	require.Equal(t, `"SOC\u200b"`, access.Typable("SOC\u200b"))
}

// Blanks do not keep a name from being found where they tell no two names apart.
func TestNamed_OtherBlanks(t *testing.T) {
	t.Parallel()
	for typed, name := range map[string]string{
		"SOC": "SOC ", "SOC ": "SOC", "two blanks": "two  blanks",
		"non breaking": "non\u00a0breaking", "zero": "ze\u200bro",
		"Mu\u0308nchen": "M\u00fcnchen", "M\u00fcnchen": "Mu\u0308nchen", "M\u00fcnchen ": "Mu\u0308nchen",
	} {
		require.Equal(t, []string{name}, access.Named([]string{name, "other"}, typed, self), "%q", typed)
	}
	require.Equal(t, []string{"SOC"}, access.Named([]string{"SOC ", "SOC"}, "SOC", self))
	require.Equal(t, []string{"SOC ", " SOC"}, access.Named([]string{"SOC ", " SOC", "soc"}, "SOC", self))
	require.Empty(t, access.Named([]string{"soc", "S O C"}, "SOC", self))
	require.Empty(t, access.Named([]string{"Munchen", "m\u00fcnchen"}, "Mu\u0308nchen", self))
	require.Equal(t, access.FoldLabel("M\u00dcNCHEN"), access.FoldLabel("mu\u0308nchen"), "in a signed request")
	require.NotEqual(t, access.FoldLabel("munchen"), access.FoldLabel("mu\u0308nchen"))
	for _, same := range []string{"mu\u200b\u0308nchen", "\ufeffmu\u0308\u2060nchen", "m\u00fc\u200dnchen"} {
		require.Equal(t, "m\u00fcnchen", access.FoldLabel(same), "%+q", same)
	}
}
