package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/sick", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/well", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	defer server.Close()

	require.NoError(t, check(t.Context(), server.URL+"/well"))
	require.ErrorContains(t, check(t.Context(), server.URL+"/sick"), "503")
	server.Close()
	require.Error(t, check(t.Context(), server.URL+"/well"))
}
