package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for _, same := range []string{
		"ana@example.com", "Ana@Example.COM", "  ana@example.com\t", "ana@example.com\u200b", "\ufeffana@example.com",
		"a\u00adna@example.com", "ana@example.com\u00a0",
	} {
		require.Equal(t, "ana@example.com", access.Fold(same), "%q", same)
	}
	require.Equal(t, "kim@example.com", access.Fold("\u212aIM@example.com"), "the Kelvin sign is a K")
	require.Equal(t, access.Fold("sven@example.com"), access.Fold("\u017fven@example.com"), "a long s is an s")
	require.Equal(t, "ana smith", access.Fold(" Ana \n Smith"))
	require.Empty(t, access.Fold(" \u200b "))
	for _, other := range []string{"ana+soc@example.com", "an.a@example.com", "ana@example.org", "ana@example"} {
		require.NotEqual(t, "ana@example.com", access.Fold(other))
	}
}

func FuzzFold(f *testing.F) {
	f.Add("Ana@Example.com")
	f.Add("\u0130\u212a\u017f\u03a3\u1e9e")
	f.Fuzz(func(t *testing.T, name string) {
		once := access.Fold(name)
		require.Equal(t, once, access.Fold(once))
		require.Equal(t, once, access.Fold(" "+name+" "))
		for _, other := range []string{"ana@example.com", "Bob@example.com"} {
			if strings.EqualFold(name, other) {
				require.Equal(t, access.Fold(other), once)
			}
		}
	})
}
