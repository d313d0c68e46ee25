package store

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Two wrong characters are a typing mistake, however many bytes each one has; three are
// another name.
func TestSimilarNames_CountCharacters(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Köln Süd":    true,
		"Koln Sud":    true,
		"Kölnx Südx":  false, // four edits
		"Köln Sü":     false, // three edits
		"Köln":        false,
		"":            false,
		"Koln Sud GB": true, // contains it
	} {
		similar := similarNames{folded: foldCase("koln sud")}
		require.Equal(t, want, similar.isSimilar(name), name)
	}
}
