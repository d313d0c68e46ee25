//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/journal"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// happened is a database with a sync and a request whose reason is hostile.
func happened(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	now := time.Now().UTC()
	f.receiveAs(store.BeginInput{
		Console: host, ID: "run-1", StartedAt: now.Add(-2 * time.Hour), WorkflowID: "sync/" + host,
	}, scene())
	_, err := f.db.Promote(t.Context(), "run-1", store.PromoteInput{Collections: access.Collections()})
	require.NoError(t, err)
	f.decide("INC-1", now.Add(-30*time.Minute), hostile)
	return f
}

// decide records that carol approves a request.
func (f *fixture) decide(id string, at time.Time, comment string) {
	f.t.Helper()
	run := ledger.Run{Request: "grant/" + id, ID: "run"}
	d := access.Decision{
		At: at, By: "carol@example.com", Action: "approve", Signed: access.Unsigned, Comment: comment,
	}
	_, err := f.db.Append(f.t.Context(), host, ledger.NewEntry{
		Request: run.Request, Key: ledger.DecisionEntryKey(run.DecisionKey(d, ""), 0), At: at,
		Body: ledger.Decision{Decision: d},
	})
	require.NoError(f.t, err)
}

func TestLogs(t *testing.T) {
	happened(t)
	got := run(t, "logs")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC  sync/acmeco.example.net  A sync begins\.$`, got.out)
	require.Contains(t, got.out, "The full sync is verified and promoted: assignments +3 -0")
	require.Contains(t, got.out, "grant/INC-1  carol@example.com decides: approve, unsigned: x\\x1b]0;owned")
	requireSafe(t, "logs", got.out)
	require.Equal(t, 3, strings.Count(got.out, "\n"), got.out)

	got = run(t, "logs", "--limit", "1")
	require.Equal(t, exitDone, got.code)
	require.Equal(t, 1, strings.Count(got.out, "\n"), got.out)
	require.Contains(t, got.errOut, "these are the newest 1 lines; --limit 0 shows all")
	require.NotContains(t, run(t, "logs", "--since", "1h").out, "A sync begins")
	got = run(t, "logs", "--console", "other.example.net")
	require.Equal(t, exitDone, got.code)
	require.Contains(t, got.errOut, "nothing is on record for other.example.net in that period")

	got = run(t, "logs", "--sync", "run-1")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.out, "users: 2 rows on 1 page, 1 request.")
	require.NotContains(t, got.out, "grant/INC-1")
	got = run(t, "logs", "--sync", "sync/never")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, `no sync "sync/never" of acmeco.example.net is on record: see `)

	for _, args := range [][]string{{"--limit", "-1"}, {"--since", "soon"}, {"--since", "2999-01-01"}, {"INC-1"}} {
		require.Equal(t, exitUsage, run(t, append([]string{"logs"}, args...)...).code, args)
	}
	require.Contains(t, run(t, "__complete", "logs", "--sync", "sync/").out, "sync/acmeco.example.net\n")
	require.Contains(t, run(t, "__complete", "logs", "--sync", "").out, "run-1\n")
}

// With -o json each line is an object.
func TestLogs_JSON(t *testing.T) {
	happened(t)
	got := run(t, "logs", "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Empty(t, got.errOut)
	var kinds []string
	for line := range strings.Lines(got.out) {
		var l journal.Line
		require.NoError(t, json.Unmarshal([]byte(line), &l), line)
		kinds = append(kinds, l.Kind)
		requireSafe(t, "logs -o json", line)
	}
	require.Equal(t, []string{journal.KindSync, "decision", journal.KindSync}, kinds)
}

// lineWriter collects what is printed, and tells each line as it comes.
type lineWriter struct {
	mu    sync.Mutex
	text  bytes.Buffer
	lines chan string
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b)
	for line := range strings.Lines(string(b)) {
		w.lines <- line
	}
	return len(b), nil
}

// --follow prints each thing once as it comes, and Ctrl-C ends it with exit code 0.
func TestLogs_Follow(t *testing.T) {
	f := happened(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out := &lineWriter{lines: make(chan string, 100)}
	code := make(chan int, 1)
	go func() { code <- Main(ctx, []string{"logs", "--follow", "--limit", "2"}, out, io.Discard) }()
	next := func() string {
		select {
		case line := <-out.lines:
			return line
		case got := <-code:
			require.Fail(t, "logs has ended", "exit code %d", got)
		case <-time.After(waitLimit):
			require.Fail(t, "logs is stuck")
		}
		return ""
	}
	require.Contains(t, next(), "grant/INC-1")
	require.Contains(t, next(), "promoted")
	f.decide("INC-2", time.Now(), "first")
	require.Contains(t, next(), "grant/INC-2  carol@example.com decides: approve, unsigned: first.")
	f.decide("INC-3", time.Now(), "second")
	require.Contains(t, next(), "grant/INC-3")
	f.receive(host, "run-2", time.Now(), scene())
	require.Contains(t, next(), "run-2  A sync begins.")
	_, err := f.db.Promote(t.Context(), "run-2", store.PromoteInput{Collections: access.Collections()})
	require.NoError(t, err)
	require.Contains(t, next(), "nothing has changed")
	interrupt()
	select {
	case got := <-code:
		require.Equal(t, exitDone, got)
	case <-time.After(waitLimit):
		require.Fail(t, "Ctrl-C does not end it")
	}
	require.Empty(t, out.lines, "nothing is printed twice")
}

// interruptedAt interrupts when the first line is printed, as Ctrl-C does in the middle of a long ledger.
type interruptedAt struct{ interrupt context.CancelFunc }

func (w interruptedAt) Write(b []byte) (int, error) {
	w.interrupt()
	return len(b), nil
}

// Ctrl-C ends --follow without a failure also while what is there is still read; without --follow the answer is not
// whole, which is a failure.
func TestLogs_InterruptedWhileReading(t *testing.T) {
	f := happened(t)
	for n := range 3 {
		f.decide(fmt.Sprintf("INC-%d", n+2), time.Now(), "more")
	}
	for _, c := range []struct {
		args []string
		want int
	}{{[]string{"logs", "--limit", "0"}, exitFailed}, {[]string{"logs", "--limit", "0", "--follow"}, exitDone}} {
		ctx, interrupt := context.WithCancel(t.Context())
		var errOut bytes.Buffer
		require.Equal(t, c.want, Main(ctx, c.args, interruptedAt{interrupt}, &errOut), errOut.String())
		require.Equal(t, c.want == exitDone, errOut.Len() == 0, errOut.String())
		interrupt()
	}
}
