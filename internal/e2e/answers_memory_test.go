package e2e

import (
	"io"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/scale"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed"
)

// answerLimit is how much memory an answer or an export may take, in bytes, whatever its size.
const answerLimit = 100 << 20

// Answers with 200,000 rows, and exports of 100,000 users, each printed by a process of its own. The
// bench has the same with ten times as many.
func TestAnswers_Memory(t *testing.T) {
	t.Parallel()
	size := scale.Million()
	size.Users /= 10
	for name, url := range map[string]func() string{
		"sqlite":     func() string { return "sqlite://" + filepath.Join(t.TempDir(), "store.db") },
		"postgresql": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := url()
			db, err := store.Open(t.Context(), database)
			require.NoError(t, err)
			require.NoError(t, scale.Fill(t.Context(), db, "acmeco.example.net", "s1", size))
			require.NoError(t, db.Close())
			for _, args := range [][]string{
				{"access", "-o", "json"},
				{"access"},
				{"access", "--role", scale.Role(3)},
				{"changes", "--since", "2020-01-01", "-o", "json"},
				{"changes", "--since", "2020-01-01"},
				{"export", "--format", "json"},
				{"export", "--format", "csv"},
			} {
				c := exec.CommandContext(t.Context(), programs.Starter, args...)
				c.Env = []string{"DATABASE_URL=" + database, "TMPDIR=" + t.TempDir()}
				c.Stdout = io.Discard
				peak, err := testbed.RunMeasured(c)
				require.NoError(t, err, args)
				require.Less(t, peak, int64(answerLimit), args)
				require.Positive(t, peak, args)
			}
		})
	}
}
