package snapshot

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// Connectors that start at the same time leave each other's folders alone; those of processes that are gone, which hold
// no lock, are removed.
func TestMakePrivate_AtTheSameTime(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	gone, err := os.MkdirTemp(parent, privatePattern) //nolint:usetesting // the name is what is tested
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(gone, privateLock), nil, 0o600))
	var starts errgroup.Group
	for range 16 {
		starts.Go(func() error {
			for range 50 {
				p, err := makePrivate(parent)
				if err != nil {
					return err
				}
				if _, err := os.Stat(filepath.Join(p.folder, privateLock)); err != nil {
					return err
				}
				if err := p.close(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, starts.Wait())
	require.NoDirExists(t, gone)
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Empty(t, left)
}
