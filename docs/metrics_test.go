package docs_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/telemetry"
)

// The table of docs/metrics.md is the catalog.
func TestMetrics_TableIsTheCatalog(t *testing.T) {
	t.Parallel()
	var want []string
	for _, m := range telemetry.Catalog() {
		labels := "–"
		if len(m.Labels) > 0 {
			labels = "`" + strings.Join(m.Labels, "`, `") + "`"
		}
		want = append(want, fmt.Sprintf("| `%s` | %s | %s | %s |", m.Name, m.Kind, labels, m.Help))
	}
	table := regexp.MustCompile("(?m)^\\| `sentinelone_\\w+` \\| (?:counter|gauge|histogram) .*$")
	require.Equal(t, want, table.FindAllString(read(t, "docs/metrics.md"), -1))
}

// Pages name metrics that exist.
func TestMetrics_PagesNameThoseThatExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, m := range telemetry.Catalog() {
		known[m.Name] = true
	}
	checked := 0
	for path, page := range pages(t) {
		if path == "CHANGELOG.md" {
			continue
		}
		for _, name := range regexp.MustCompile(`\bsentinelone_[a-z_]+`).FindAllString(page, -1) {
			if strings.HasSuffix(name, "_") { // a prefix
				continue
			}
			require.True(t, known[name], "%s names %s", path, name)
			checked++
		}
	}
	require.Greater(t, checked, 30)
}
