package consoletest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"sentinelone-provisioner/internal/consoletest"
)

// BenchmarkPage measures a page of 1,000 users whose rows are rendered already.
func BenchmarkPage(b *testing.B) {
	c := consoletest.New(consoletest.Options{Users: 20_000, Sites: 1000})
	c.Render()
	req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, consoletest.BasePath+"/users?limit=1000", nil)
	req.Header.Set("Authorization", "ApiToken "+c.Token())
	h := c.Handler()
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		b.SetBytes(int64(w.Body.Len()))
	}
}
