package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInOneLine(t *testing.T) {
	t.Parallel()
	one := errors.New("grant/1: nobody answers")
	require.NoError(t, inOneLine(nil))
	require.Equal(t, one, inOneLine(errors.Join(one)))
	require.EqualError(t, inOneLine(errors.Join(one, errors.New("two"))), "2 requests: grant/1: nobody answers")
}
