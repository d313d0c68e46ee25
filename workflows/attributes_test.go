package workflows_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/workflows"
)

// `make search-attributes` makes a server know exactly those that requests are found by.
func TestSearchAttributes_MakeKnowsAll(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	list := regexp.MustCompile(`for a in (.*); do`).FindSubmatch(makefile)
	require.NotNil(t, list)
	var want []string
	for _, k := range workflows.SearchAttributes() {
		want = append(want, fmt.Sprintf("%s:%s", strings.TrimPrefix(k.GetName(), "SentinelOne"), k.GetValueType()))
	}
	require.ElementsMatch(t, want, strings.Fields(string(list[1])))
}
