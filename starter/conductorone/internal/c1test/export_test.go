package c1test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"
)

// IssueToken is an access token, without an assertion.
func IssueToken(s *Server) string {
	token := rand.Text()
	s.change(func() { s.tokens[token] = true })
	return token
}

// Assertion is what a client states of itself.
type Assertion struct {
	Issuer, Subject, Audience, Nonce string
	Expiry                           time.Time
}

// RightAssertion is as the server wants it.
func RightAssertion(s *Server) Assertion {
	return Assertion{
		Issuer: s.client.id, Subject: s.client.id, Audience: "127.0.0.1", Nonce: "n",
		Expiry: time.Now().Add(2 * time.Minute),
	}
}

// nonce is a source of the same nonce, for the signer.
type nonce string

func (n nonce) Nonce() (string, error) { return string(n), nil }

// Form is the request for a token with an assertion.
func Form(t *testing.T, s *Server, a Assertion) url.Values {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(s.client.key)
	require.NoError(t, err)
	var key jose.JSONWebKey
	require.NoError(t, key.UnmarshalJSON(text))
	o := &jose.SignerOptions{}
	if a.Nonce != "" {
		o.NonceSource = nonce(a.Nonce)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: &key}, o)
	require.NoError(t, err)
	now := time.Now()
	claims, err := json.Marshal(jwt.Claims{
		Issuer: a.Issuer, Subject: a.Subject, Audience: jwt.Audience{a.Audience},
		Expiry: jwt.NewNumericDate(a.Expiry), IssuedAt: jwt.NewNumericDate(now),
		NotBefore: jwt.NewNumericDate(now.Add(-2 * time.Minute)),
	})
	require.NoError(t, err)
	signed, err := signer.Sign(claims)
	require.NoError(t, err)
	assertion, err := signed.CompactSerialize()
	require.NoError(t, err)
	return url.Values{
		"client_id": {s.client.id}, "grant_type": {"client_credentials"},
		"client_assertion_type": {assertionType}, "client_assertion": {assertion},
	}
}
