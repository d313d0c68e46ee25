package consoletest

import (
	"strings"

	"golang.org/x/time/rate"
)

// budgets are the published limits per token, requests per second and burst, by path prefix.
// Paths without an entry are not limited. Source: the transcript of the official table in
// s1buildpartners/sentinelone-go-sdk, ratelimit.go.
var budgets = map[string]struct {
	perSecond float64
	burst     int
}{
	"/accounts":      {100, 10},
	"/sites":         {100, 10},
	"/users":         {40, 80},
	"/user":          {2, 5},
	"/rbac":          {50, 100},
	"/service-users": {5, 10},
	"/activities":    {10, 30},
	"/export":        {1, 30},
	"/system/status": {2, 1},
	"/users/login":   {1, 1},
}

type rates struct {
	buckets map[string]*rate.Limiter
}

func newRates() *rates {
	r := &rates{buckets: map[string]*rate.Limiter{}}
	for prefix, b := range budgets {
		r.buckets[prefix] = rate.NewLimiter(rate.Limit(b.perSecond), b.burst)
	}
	return r
}

// allow takes one request from the budget of the longest prefix that covers the path.
func (r *rates) allow(path string) bool {
	for prefix := path; prefix != ""; prefix = prefix[:strings.LastIndexByte(prefix, '/')] {
		if bucket, ok := r.buckets[prefix]; ok {
			return bucket.Allow()
		}
	}
	return true
}
