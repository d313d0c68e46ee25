package c1test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// longestAssertion is how long a client's statement may be valid in all.
	longestAssertion = 10 * time.Minute
	tokenLifetime    = time.Hour
)

// serveToken gives an access token to the client that signs for itself (RFC 7523).
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	if s.tokensRefused() {
		http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
		return
	}
	if err := s.checkAssertion(r); err != nil {
		s.fault("POST /auth/v1/token: %v", err)
		http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
		return
	}
	token := rand.Text()
	s.change(func() { s.tokens[token] = true })
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(tokenLifetime.Seconds()),
	})
}

func (s *Server) tokensRefused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refuseTokens
}

// checkAssertion verifies what the client says of itself.
func (s *Server) checkAssertion(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("read the form: %w", err)
	}
	for name, want := range map[string]string{
		"client_id": s.client.id, "grant_type": "client_credentials", "client_assertion_type": assertionType,
	} {
		if got := r.PostForm.Get(name); got != want {
			return fmt.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	token, err := jwt.ParseSigned(r.PostForm.Get("client_assertion"), []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return fmt.Errorf("parse the assertion: %w", err)
	}
	var claims jwt.Claims
	if err := token.Claims(s.client.public, &claims); err != nil {
		return fmt.Errorf("verify the assertion's signature: %w", err)
	}
	if claims.Expiry == nil || claims.IssuedAt == nil || claims.NotBefore == nil {
		return errors.New("the assertion lacks exp, iat or nbf")
	}
	if claims.Expiry.Time().Sub(claims.NotBefore.Time()) > longestAssertion {
		return errors.New("the assertion is valid for too long")
	}
	if len(token.Headers) != 1 || token.Headers[0].Nonce == "" {
		return errors.New("the assertion lacks a nonce")
	}
	return claims.ValidateWithLeeway(jwt.Expected{
		Issuer: s.client.id, Subject: s.client.id, AnyAudience: jwt.Audience{hostOf(s.Address)}, Time: time.Now(),
	}, 0)
}

// fault records a breach of the protocol.
func (s *Server) fault(format string, args ...any) {
	s.change(func() { s.faults = append(s.faults, fmt.Sprintf(format, args...)) })
}
