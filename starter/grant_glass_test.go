package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// What starts at once needs a reason, and no start.
func TestGrantGlass(t *testing.T) {
	t.Parallel()
	why := requestOptions{reason: "INC-42"}
	start := new(time.Now())
	for want, o := range map[string]grantOptions{
		"--break-glass needs --reason":       {breakGlass: true},
		"--break-glass starts at once: omit": {breakGlass: true, requestOptions: why, start: "2h"},
		"--break-glass starts at once: pass": {breakGlass: true, requestOptions: why, until: "2h"},
	} {
		at := start
		if want == "--break-glass needs --reason" {
			at = nil
		}
		err := o.checkBreakGlass(at)
		require.ErrorContains(t, err, want)
		require.Equal(t, exitUsage, exitCode(marked(err)))
	}
	require.NoError(t, grantOptions{breakGlass: true, requestOptions: why}.checkBreakGlass(nil))
	require.NoError(t, grantOptions{start: "2h"}.checkBreakGlass(start))
}

// A plan says that it was asked for.
func TestPlanRows_BreakGlass(t *testing.T) {
	t.Parallel()
	plan := access.Plan{Terms: access.Terms{BreakGlass: true}}
	line := []string{"break-glass", "requested: access starts at once and is reviewed afterwards"}
	require.Contains(t, planRows(describe.Names{}, plan), line)
	require.NotContains(t, planRows(describe.Names{}, access.Plan{}), line)
}
