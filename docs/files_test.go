package docs_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// How many lines a file may have. Lint holds sources to it too, and functions to theirs.
const (
	maxSourceLines = 350
	maxTestLines   = 500
)

func TestFiles_AreShort(t *testing.T) {
	t.Parallel()
	seen := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		body, err := os.ReadFile(path)
		limit := maxSourceLines
		if strings.HasSuffix(path, "_test.go") {
			limit = maxTestLines
		}
		seen++
		require.LessOrEqual(t, bytes.Count(body, []byte("\n")), limit, path)
		return err
	}))
	require.Greater(t, seen, 500)
}
