package version

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// A released module has its version, a build from a checkout its revision.
func TestDescribe(t *testing.T) {
	t.Parallel()
	const revision = "0123456789abcdef0123456789abcdef01234567"
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	cases := map[string]struct {
		version  string
		settings []debug.BuildSetting
		want     string
	}{
		"released":      {"v1.4.0", []debug.BuildSetting{setting("vcs.revision", revision)}, "v1.4.0"},
		"checkout":      {"(devel)", []debug.BuildSetting{setting("vcs.revision", revision)}, "0123456789ab"},
		"nothing known": {"", nil, "devel"},
		"odd revision":  {"(devel)", []debug.BuildSetting{setting("vcs.revision", "17")}, "devel"},
		"clean":         {"", []debug.BuildSetting{setting("vcs.modified", "false")}, "devel"},
		"changes, before": {"(devel)", []debug.BuildSetting{
			setting("vcs.modified", "true"), setting("vcs.revision", revision),
		}, "0123456789ab+changes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			info := &debug.BuildInfo{Main: debug.Module{Version: c.version}, Settings: c.settings}
			require.Equal(t, c.want, describe(info))
		})
	}
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	require.Equal(t, "sentinelone-provisioner/"+String(), UserAgent())
	require.NotEmpty(t, String())
}
