package snapshot

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/segmentio/ksuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
)

func newStandalone(t *testing.T, o consoletest.Options) (*consoletest.Server, *Standalone) {
	t.Helper()
	server := consoletest.Start(t, o)
	s := standaloneOf(t, server, t.TempDir())
	return server, s
}

func standaloneOf(t *testing.T, server *consoletest.Server, folder string) *Standalone {
	t.Helper()
	client, err := console.New(console.Config{
		BaseURL: server.URL, Token: console.StaticToken(server.Token()), Budgets: []console.Budget{}, ReadOnly: true,
	})
	require.NoError(t, err)
	s := NewStandalone(StandaloneOptions{Client: client, Folder: folder, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// Each sync of ConductorOne reads the console once, whatever it asks for, and later ones see what has changed since.
func TestStandalone_OneReadPerSync(t *testing.T) {
	t.Parallel()
	server, s := newStandalone(t, consoletest.Options{Sites: 3, Users: 5})
	require.NoError(t, s.Check(t.Context()))
	first := ksuid.New().String()
	r, err := s.Pin(t.Context(), first, "")
	require.NoError(t, err)
	truth := server.Truth()
	sites, err := r.Sites(t.Context(), "", 100)
	require.NoError(t, err)
	require.ElementsMatch(t, truth.Sites, sites)
	assignments, err := r.Assignments(t.Context(), access.Assignment{}, 10_000)
	require.NoError(t, err)
	require.ElementsMatch(t, truth.Assignments(), assignments)

	sent := len(server.Requests())
	again, err := s.Pin(t.Context(), first, "")
	require.NoError(t, err)
	require.Equal(t, r.Snapshot().ID, again.Snapshot().ID)
	named, err := s.Pin(t.Context(), first, r.Snapshot().ID)
	require.NoError(t, err)
	require.Equal(t, r.Snapshot().ID, named.Snapshot().ID)
	require.Len(t, server.Requests(), sent, "no request for what is read")
	for _, request := range server.Requests() {
		require.False(t, request.Write(), "%s %s", request.Method, request.Path)
	}

	// The id of a sync has whole seconds: one of the same second may read what was just read.
	require.Eventually(t, func() bool {
		later, err := s.Pin(t.Context(), ksuid.New().String(), "")
		require.NoError(t, err)
		return later.Snapshot().ID != r.Snapshot().ID
	}, 4*time.Minute, 50*time.Millisecond, "a later sync reads anew")
	require.Greater(t, len(server.Requests()), sent)
}

// What cannot be right is an error with the reasons, and no answer; the next sync tries again.
func TestStandalone_Unproven(t *testing.T) {
	t.Parallel()
	server, s := newStandalone(t, consoletest.Options{Sites: 3, Users: 5})
	_, err := s.Pin(t.Context(), ksuid.New().String(), "")
	require.NoError(t, err)
	server.RemoveServiceUsers(len(server.Truth().Principals)) // as many as there are
	require.Eventually(t, func() bool {
		_, err = s.Pin(t.Context(), ksuid.New().String(), "")
		return err != nil
	}, 4*time.Minute, 50*time.Millisecond)
	for range 2 {
		got := explain.Read(err)
		require.Equal(t, codes.FailedPrecondition, status.Code(got))
		require.ErrorContains(t, got, "is not complete: all ")
		require.ErrorContains(t, got, "serviceUsers would be gone: sync again")
		require.NotContains(t, got.Error(), "starter confirm", "nobody can")
		_, err = s.Pin(t.Context(), ksuid.New().String(), "")
	}
	_, err = server.AddServiceUser(access.Principal{Name: "ci"})
	require.NoError(t, err)
	_, err = s.Pin(t.Context(), ksuid.New().String(), "")
	require.NoError(t, err)
}

// A refused token, a missing permission and a limit are sentences with their codes, and a limit is no reason to begin
// again.
func TestStandalone_Faults(t *testing.T) {
	t.Parallel()
	for fault, c := range map[consoletest.FaultKind]struct {
		code codes.Code
		says string
	}{
		consoletest.Unauthorized: {codes.Unauthenticated, "create a new one in the console"},
		consoletest.Forbidden:    {codes.PermissionDenied, "the token's role lacks Users.view"},
		consoletest.RateLimited:  {codes.Unavailable, "too many requests for this token"},
		consoletest.BadGateway:   {codes.Aborted, "try again later"},
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			server, s := newStandalone(t, consoletest.Options{Sites: 3, Users: 5})
			server.AddFault(consoletest.Fault{Name: fault, Path: "/users", Times: 1000})
			id := ksuid.New().String()
			_, err := s.Pin(t.Context(), id, "")
			got := explain.Read(err)
			require.Equal(t, c.code, status.Code(got), got)
			require.ErrorContains(t, got, c.says)
			details := status.Convert(got).Details()
			require.Equal(t, fault == consoletest.RateLimited, len(details) == 1, details)
			server.ClearFaults()
			_, err = s.Pin(t.Context(), id, "")
			require.NoError(t, err)
		})
	}
}

// After a restart, a sync that had begun before fails with what to do, instead of mixing two snapshots.
func TestStandalone_SnapshotOfAnotherProcess(t *testing.T) {
	t.Parallel()
	_, s := newStandalone(t, consoletest.Options{Sites: 3})
	_, err := s.Pin(t.Context(), ksuid.New().String(), "another")
	got := explain.Read(err)
	require.Equal(t, codes.FailedPrecondition, status.Code(got))
	require.ErrorContains(t, got, "start a new sync")
}

// What was read is for this user alone, and goes when the connector ends.
func TestStandalone_PrivateFile(t *testing.T) {
	t.Parallel()
	server := consoletest.Start(t, consoletest.Options{Sites: 3})
	folder := t.TempDir()
	s := standaloneOf(t, server, folder)
	require.Empty(t, below(t, folder), "nothing is made before the first read")
	_, err := s.Latest(t.Context())
	require.NoError(t, err)
	files := below(t, folder)
	require.NotEmpty(t, files)
	for path, info := range files {
		require.Zero(t, info.Mode().Perm()&0o077, "%s %s", path, info.Mode())
	}
	other := standaloneOf(t, server, folder)
	_, err = other.Latest(t.Context())
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(s.reader.private.folder, privateFile), "another process leaves it alone")
	require.NoError(t, s.Close())
	require.NoError(t, other.Close())
	require.Empty(t, below(t, folder))
}

// below are the files and folders below a folder.
func below(t *testing.T, folder string) map[string]fs.FileInfo {
	t.Helper()
	out := map[string]fs.FileInfo{}
	require.NoError(t, filepath.Walk(folder, func(path string, info fs.FileInfo, err error) error {
		if err == nil && path != folder {
			out[path] = info
		}
		return err
	}))
	return out
}

// What a killed process has left is removed at the next start.
func TestStandalone_Leftover(t *testing.T) {
	t.Parallel()
	if folder := os.Getenv("STANDALONE_LEFTOVER"); folder != "" {
		_, err := openPrivate(context.Background(), folder)
		require.NoError(t, err)
		os.Exit(0) // without closing anything, as when killed
	}
	folder := t.TempDir()
	self := os.Args[0]
	only := "^TestStandalone_Leftover$"
	killed := exec.CommandContext(t.Context(), self, "-test.run", only)
	killed.Env = append(os.Environ(), "STANDALONE_LEFTOVER="+folder)
	require.NoError(t, killed.Run())
	left := below(t, folder)
	require.NotEmpty(t, left)
	p, err := openPrivate(t.Context(), folder)
	require.NoError(t, err)
	for path := range left {
		require.NoFileExists(t, path)
		require.NoDirExists(t, path)
	}
	require.NoError(t, p.close())
}
