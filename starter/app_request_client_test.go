package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChosenID(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"INC-42", " grant/INC-42 "} {
		got, err := chosenID(text, "grant/")
		require.NoError(t, err)
		require.Equal(t, "INC-42", got)
	}
	for _, text := range []string{"ana@example.com", "a b", ""} {
		_, err := chosenID(text, "grant/")
		require.Error(t, err)
		require.Equal(t, exitUsage, exitCode(marked(err)))
	}
}
