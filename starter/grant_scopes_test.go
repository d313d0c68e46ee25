package main

import (
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// The first value stays where a single one goes.
func TestRepeat(t *testing.T) {
	t.Parallel()
	var first string
	var further []string
	f := pflag.NewFlagSet("grant", pflag.ContinueOnError)
	f.StringVar(&first, "scope", "", "")
	repeat(f.Lookup("scope"), &further)
	require.NoError(t, f.Parse([]string{"--scope", "a", "--scope", "b", "--scope=c"}))
	require.Equal(t, "a", first)
	require.Equal(t, []string{"b", "c"}, further)
}
