package tokenseal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/tokenseal"
)

const token = "eyJraWQiOiJhcC1zb3V0aGVhc3QtMSJ9.secret.value"

func newKey(t *testing.T) tokenseal.Key {
	t.Helper()
	k, err := tokenseal.NewKey()
	require.NoError(t, err)
	return k
}

// Only the key that the token is sealed to opens it, and nothing of it shows on the way.
func TestSeal(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	sealed, err := tokenseal.Seal(k.Recipient(), token)
	require.NoError(t, err)
	require.NotContains(t, sealed, "secret")
	got, err := k.Open(sealed)
	require.NoError(t, err)
	require.Equal(t, token, got)
	_, err = newKey(t).Open(sealed)
	require.ErrorIs(t, err, tokenseal.ErrNotOurs)
	lines := strings.Split(sealed, "\n")
	last := lines[len(lines)-3]
	changed := strings.Replace(sealed, last, strings.ToUpper(last[:4])+last[4:], 1)
	if changed != sealed {
		_, err = k.Open(changed)
		require.ErrorIs(t, err, tokenseal.ErrNotOurs)
	}
	_, err = k.Open("")
	require.ErrorIs(t, err, tokenseal.ErrNotOurs)
}

// A recipient that can be sealed to has the form that requests accept, and other texts have neither.
func TestRecipient(t *testing.T) {
	t.Parallel()
	good := newKey(t).Recipient()
	require.NoError(t, tokenseal.Check(good))
	require.NoError(t, access.TokenRotation{Recipient: good}.Validate())
	for _, bad := range []string{
		"age1", good[:len(good)-1], good + "q", strings.ToUpper(good), "ssh-ed25519 AAAA", " " + good,
	} {
		require.Error(t, access.TokenRotation{Recipient: bad}.Validate(), bad)
		_, err := tokenseal.Seal(bad, token)
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), token)
	}
	_, err := tokenseal.Seal(good, "")
	require.Error(t, err)
	_, err = tokenseal.Seal(good, strings.Repeat("x", 5000))
	require.Error(t, err)
}

// A key that is printed shows no private half.
func TestKey_PrintsNoSecret(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, strings.ToUpper(fmt.Sprintf(format, k)), "AGE-SECRET-KEY")
		require.Contains(t, fmt.Sprintf(format, k), k.Recipient())
	}
}
