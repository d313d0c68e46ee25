package activities

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
)

// The end that a request is told is the one by the ledger: its duration from the first write on record, however long
// the console takes to say what the principal holds, and whether or not it answers the write.
func TestWrite_TermCountsFromTheFirstWrite(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(d *grantFixture){
		"slow read":       func(*grantFixture) {},
		"answer is lost":  func(d *grantFixture) { d.addFault(consoletest.CutAfter, http.MethodPut, 1) },
		"write is lost":   func(d *grantFixture) { d.addFault(consoletest.ServerError, http.MethodPut, 1) },
		"held by another": func(d *grantFixture) { d.mustWrite(d.change(access.OpAcquire, lease("2", d.soc))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newGrantFixture(t, consoletest.Options{})
			d.principal.now = func() time.Time { // everything takes a second
				d.now = d.now.Add(time.Second)
				return d.now
			}
			prepare(d)
			in := d.change(access.OpAcquire, lease("1", d.soc))
			out, err := d.untilDone(in)
			require.NoError(t, err)

			record, err := d.principal.recordOf(t.Context(), ledger.RunOfLease(in.Change.Change.Lease.ID))
			require.NoError(t, err)
			claim, found := d.principal.authority.judge().Claim(t.Context(), record)
			require.True(t, found)
			require.Equal(t, claim.Due, out.EndsAt)
			began := out.Proof.Reads[0].At
			if len(out.Proof.Writes) > 0 {
				began = out.Proof.Writes[len(out.Proof.Writes)-1].At // of those before, none was accepted
			}
			require.Equal(t, began.Add(time.Hour), out.EndsAt)
			held, known := d.known().Lease(in.Change.Change.Lease.ID)
			require.True(t, known)
			require.Equal(t, out.EndsAt, held.End)
		})
	}
}
