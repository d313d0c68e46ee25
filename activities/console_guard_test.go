package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// A writer must name its console: ledger and plan are that console's. One that names none, as
// a person who starts a writer by hand can, reads and writes nothing.
func TestWrite_NoConsole(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"", "other.sentinelone.net"} {
		d := newGrantFixture(t, consoletest.Options{})
		in := d.change(access.OpAcquire, lease("1", d.soc))
		in.Writer.Console = host
		_, err := d.write(in)
		require.Equal(t, string(kinds.Conflict), attempttest.ApplicationError(t, err).Type(), "%q: %v", host, err)
		require.Zero(t, d.console.RequestCount(), "%q", host)
	}
}

// The plan of an account names its console. One that names none makes nothing.
func TestCreate_NoConsole(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	in := m.input(m.newUser())
	in.Plan.Console = ""
	m.console.ResetRequests()
	_, err := executeFor[wire.CreateResult](m, wire.UserCreateActivity, in)
	require.Equal(t, string(kinds.Conflict), attempttest.ApplicationError(t, err).Type(), "%v", err)
	require.Zero(t, m.console.RequestCount())
}
