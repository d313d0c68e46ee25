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

func TestNewRequestID(t *testing.T) {
	t.Parallel()
	a, b := newRequestID(), newRequestID()
	require.Regexp(t, `^[a-z0-9]{8}$`, a)
	require.NotEqual(t, a, b)
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"grant/X", "revoke/X", "provision/X", "offboard/X", "X"},
		candidates("X", requestPrefixes...))
	require.Equal(t, []string{"revoke/X"}, candidates("revoke/X", requestPrefixes...))
	require.Equal(t, "X", typed("grant/X"))
	require.Equal(t, "revoke/X", typed("revoke/X"))
}
