package activities

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// spentReader is a real client whose rate budget is spent.
type spentReader struct{ *console.Client }

func (spentReader) HasRoom(access.Kind) bool { return false }

// spendBudget has the proofs of writes wait for the rate until letRead is called.
func (d *grantFixture) spendBudget() (batch *principalBatcher, letRead func()) {
	batch = &principalBatcher{from: spentReader{d.client}, active: readsAtOnce}
	d.principal.people = batch
	return batch, func() { batch.run(d.t.Context()) }
}

// queuedReads is the number of proofs that wait for the rate.
func (b *principalBatcher) queuedReads() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queued[access.User]) + len(b.queued[access.ServiceUser])
}

// reads lists the paths of reads of users since a request, with their ids.
func (d *grantFixture) reads(since int) []string {
	var out []string
	for _, r := range d.console.Requests()[since:] {
		if r.Method == http.MethodGet && strings.HasPrefix(r.Path, "/users") {
			out = append(out, r.Path+"?"+r.Query.Get("ids"))
		}
	}
	return out
}

// Proofs that wait for the console's rate are read together, after all of their writes. What a change begins with is
// read on its own, as late as possible.
func TestReadBack_WaitingProofsShareARequest(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{Seed: 1, Sites: 3})
	ana := d.change(access.OpAcquire, lease("1", d.soc))
	d.who = d.add(access.Principal{Kind: access.User, Email: "new.bob@example.com", Name: "New Bob"})
	bob := d.change(access.OpAcquire, lease("2", d.soc))
	batch, letRead := d.spendBudget()
	began := len(d.console.Requests())

	var writes errgroup.Group
	for _, in := range []wire.WriteInput{ana, bob} {
		writes.Go(func() error {
			_, err := d.principal.write(d.alone(), in, nil)
			return err
		})
	}
	require.Eventually(t, func() bool { return batch.queuedReads() == 2 }, time.Minute, time.Millisecond)
	require.ElementsMatch(t, []string{"/users/" + ana.Writer.ID + "?", "/users/" + bob.Writer.ID + "?"},
		d.reads(began))
	require.Equal(t, 2, d.puts())
	letRead()
	require.NoError(t, writes.Wait())
	require.Equal(t, holdings(d.viewer, d.soc), d.heldBy(ana.Writer))
	require.Equal(t, holdings(d.viewer, d.soc), d.heldBy(bob.Writer))
	reads := d.reads(began)
	require.Len(t, reads, 3)
	require.ElementsMatch(t, []string{ana.Writer.ID, bob.Writer.ID},
		strings.Split(strings.TrimPrefix(reads[2], "/users?"), ","))
}

// What ends access reads back at once, whatever waits.
func TestReadBack_EndsWaitForNoRate(t *testing.T) {
	t.Parallel()
	eachOperation(t, func(t *testing.T, d *grantFixture, o operation, in wire.WriteInput) {
		t.Helper()
		if !endsAccess(o.op) {
			return
		}
		d.principal.people = &principalBatcher{from: laggingReader{Client: d.client}}
		require.Equal(t, o.outcome, d.mustWrite(in).Proof.Outcome)
	})
}

// A list that lags behind proves nothing: the change waits until a read of its own shows the write.
func TestReadBack_ListThatLagsBehind(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{Seed: 1, Sites: 3})
	in := d.change(access.OpAcquire, lease("1", d.soc))
	old, err := d.client.Principal(t.Context(), access.User, d.who.ID)
	require.NoError(t, err)
	d.principal.people = &principalBatcher{from: laggingReader{Client: d.client, old: old}}
	require.Contains(t, d.retriedMessage(in), "does not show it yet")
	require.Equal(t, holdings(d.viewer, d.soc), d.held())
	require.Equal(t, access.Applied, d.mustWrite(in).Proof.Outcome)
	require.Equal(t, 1, d.puts())
}

// laggingReader goes on showing a principal as it was.
type laggingReader struct {
	*console.Client

	old access.Principal
}

func (laggingReader) HasRoom(access.Kind) bool { return false }

func (l laggingReader) Principal(context.Context, access.Kind, string) (access.Principal, error) {
	return l.old, nil
}
