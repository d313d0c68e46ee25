package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScreen_CommandKeepsFlagsWithTheirValues(t *testing.T) {
	t.Parallel()
	var output bytes.Buffer
	out := &screen{w: &output}
	out.command("starter", "approve", "INC-42", "--by", "carol@example.com", "--yes")
	out.command("starter", "grant", "--user", "ana@example.com", "--role", "Admin", "--scope", "Borealis / Berlin",
		"--for", "5s", "--id", "INC-42", "--wait=false")
	require.Equal(t, `
   $ starter approve INC-42 --by carol@example.com --yes

   $ starter grant --user ana@example.com --role Admin --scope 'Borealis / Berlin' \
       --for 5s --id INC-42 --wait=false
`, output.String())
}
