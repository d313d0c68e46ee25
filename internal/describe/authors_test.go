package describe

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever somebody calls himself on the console, it looks like one name, and like nothing that we say.
func TestAuthors(t *testing.T) {
	t.Parallel()
	require.Empty(t, Authors(nil))
	require.Equal(t, "Carol Roy, Jean-Luc O'Neil Jr., José 李", Authors([]string{
		"Carol Roy", "Jean-Luc O'Neil Jr.", "José 李",
	}))
	for name, shown := range map[string]string{
		"Ana <ana@example.com>":  `"Ana <ana@example.com>"`,
		"ana@example.com":        `"ana@example.com"`,
		"Ana, Bob":               `"Ana, Bob"`,
		`Ana", "Bob`:             `"Ana', 'Bob"`,
		"by the worker\nadopted": "\"by the worker\nadopted\"",
		" ":                      `" "`,
		"(granted by a request)": `"(granted by a request)"`,
		"Ana\u202e":              "\"Ana\u202e\"",
	} {
		require.Equal(t, shown, Authors([]string{name}))
	}
}
