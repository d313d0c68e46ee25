package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
)

// startSimulator runs a simulator until stop is called, which returns its exit code.
func startSimulator(t *testing.T, args ...string) (url string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"--listen", "127.0.0.1:0"}, args...), in, io.Discard)
		_ = in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	require.True(t, ok, line)
	return url, func() int { cancel(); return <-code }
}

func fetch(t *testing.T, url string, header map[string]string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := (&http.Client{Timeout: time.Minute}).Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, body
}

// The simulator prints its address, serves the console of the flags, and ends with code 0.
func TestRun_ServesUntilStopped(t *testing.T) {
	t.Parallel()
	url, stop := startSimulator(t, "--size", "tenant", "--users", "7", "--service-users", "0", "--token", "secret",
		"--fault", "serverError,path=/users,times=1", "--fault", "forbidden,path=/sites")
	auth := map[string]string{"Authorization": "ApiToken secret"}
	status, _ := fetch(t, url+consoletest.BasePath+"/users", auth)
	require.Equal(t, http.StatusInternalServerError, status)
	status, _ = fetch(t, url+consoletest.BasePath+"/users", auth)
	require.Equal(t, http.StatusOK, status)
	status, _ = fetch(t, url+consoletest.BasePath+"/sites", auth)
	require.Equal(t, http.StatusForbidden, status)
	_, body := fetch(t, url+"/_simulator/truth", nil)
	var truth consoletest.Truth
	require.NoError(t, json.Unmarshal(body, &truth))
	require.Len(t, truth.Principals, 7)
	require.Len(t, truth.Sites, 1555)
	require.Len(t, truth.Roles, 23)
	require.Equal(t, exitDone, stop())
}

// The flags for older and stricter consoles reach the console.
func TestRun_ConsoleVariants(t *testing.T) {
	t.Parallel()
	url, stop := startSimulator(t, "--service-user-token", "--no-token-generation", "--taken-email-400",
		"--hidden-email", "x@example.com,y@example.com", "--protect-read-only", "--drop-absent-fields",
		"--fault", "stale,method=put,delay=1s")
	auth := map[string]string{"Authorization": "ApiToken " + consoletest.DefaultToken}
	status, _ := fetch(t, url+consoletest.BasePath+"/user", auth)
	require.Equal(t, http.StatusForbidden, status)
	_, body := fetch(t, url+"/_simulator/faults", nil)
	require.Contains(t, string(body), `{"name":"stale","method":"PUT","delay":"1s"}`)
	require.Equal(t, exitDone, stop())
}

func TestRun_InvalidArguments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--size", "huge"}, exitUsage, "choose small, tenant or mssp"},
		{[]string{"--fault", "fire"}, exitUsage, "unknown fault"},
		{[]string{"--users", "many"}, exitUsage, "--users"},
		{[]string{"--colour"}, exitUsage, "--colour"},
		{[]string{"now"}, exitUsage, `unknown argument "now"`},
		{[]string{"--listen", "nowhere:x"}, exitFailed, "listen on nowhere:x"},
	} {
		var stderr bytes.Buffer
		require.Equal(t, c.code, run(t.Context(), c.args, io.Discard, &stderr), "%v", c.args)
		require.Contains(t, stderr.String(), c.want)
	}
}

// The help names every kind of fault.
func TestHelp_NamesEveryFault(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.Equal(t, exitDone, run(t.Context(), []string{"--help"}, &out, io.Discard))
	for _, kind := range append(consoletest.FaultKinds(), consoletest.FloodKinds()...) {
		require.Contains(t, out.String(), string(kind))
	}
	require.Contains(t, out.String(), "/_simulator/edit")
}
