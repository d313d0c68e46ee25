package signing

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClosedToOthers(t *testing.T) {
	t.Parallel()
	const root, worker, ana = 0, 65532, 1000
	for name, c := range map[string]struct {
		mode        fs.FileMode
		owner, user int
		want        bool
	}{
		"own":                        {0o600, ana, ana, true},
		"own, to read":               {0o400, ana, ana, true},
		"own, of the group":          {0o640, ana, ana, false},
		"own, of all":                {0o604, ana, ana, false},
		"root's, to root":            {0o440, root, root, false},
		"given by root":              {0o440, root, worker, true},
		"given by root, who writes":  {0o640, root, worker, true},
		"given to the group to keep": {0o660, root, worker, false},
		"given to run":               {0o450, root, worker, false},
		"given to all":               {0o444, root, worker, false},
		"given by another user":      {0o440, ana, worker, false},
		"of an owner not known":      {0o440, -1, worker, false},
		"of a user not known":        {0o440, root, -1, false},
	} {
		require.Equal(t, c.want, closedToOthers(c.mode, c.owner, c.user), name)
	}

	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.Geteuid(), ownerOf(info))
	require.True(t, ClosedToOthers(info))
}
