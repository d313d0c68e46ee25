package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// A lease that its grant does not release ends by the rules of its request: the
// policy's, on the last role.
func TestPrincipal_ReleasesByTheRulesOfTheRequest(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut()
	w.confirms()
	in := acquires(leaseOf("a", soc, time.Hour))
	in.Change.Rules = access.Rules{LastRole: access.LastRoleDowngrade, Downgrade: &viewer}
	w.sendChange(time.Second, in)
	w.run()
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{"a/acquire", "a/release"}, w.written())
	require.Equal(t, in.Change.Rules, w.writes[1].Change.Change.Rules)
}
