package console

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"sentinelone-provisioner/internal/access"
)

// WithToken returns a client of the same console that uses another token, and shares the connections and rate budgets
// of this one. It is for the proof that a new token works before anything depends on it.
func (c *Client) WithToken(token Secret) *Client {
	other := *c
	other.token = StaticToken(token.Reveal())
	return &other
}

// ReloadToken reads the token again from its source. It fails if there is none; the last good token then stays in use.
func (c *Client) ReloadToken() error {
	_, err := c.token.Reload()
	return err
}

// TokenDigest tells tokens apart without showing them: it is that of the token in use; see [Secret.Digest].
func (c *Client) TokenDigest(purpose string) (string, error) {
	token, err := c.token.Token()
	if err != nil {
		return "", err
	}
	return newSecret(token).Digest(purpose), nil
}

// Digest is SHA-256, in hex, over a purpose and the text. Tokens are random and long, so that nobody finds one by
// trying; with another purpose, the digest of the same token is another one.
func (s Secret) Digest(purpose string) string {
	sum := sha256.Sum256([]byte(purpose + "\x00" + s.Reveal()))
	return hex.EncodeToString(sum[:])
}

// ServiceUserCreator returns the id of the user or service user that created a service user; "" where the console does
// not say. That a service user which was created with the token of another one names that one is inferred: use it only
// beside other evidence, or to refuse.
//
//s1:operation GET /web/api/v2.1/service-users/{service_user_id}
func (c *Client) ServiceUserCreator(ctx context.Context, serviceUser string) (creator string, err error) {
	r := request{method: http.MethodGet, path: serviceUsersPath + "/{id}"}
	if err := checkID(serviceUser); err != nil {
		return "", r.failed(KindNotSent, err)
	}
	r.path = serviceUsersPath + "/" + serviceUser
	err = c.do(ctx, r, func(body []byte) error {
		data, err := decodeData[struct {
			ID        id `json:"id"`
			CreatedBy *struct {
				ID id `json:"id"`
			} `json:"createdBy"`
		}](body)
		switch {
		case err != nil:
			return err
		case string(data.ID) != serviceUser:
			return errOtherID
		case data.CreatedBy != nil:
			creator = string(data.CreatedBy.ID)
		}
		return nil
	})
	return creator, err
}

// ServiceUserTokensEndingAt returns how many service users have a token that ends in the same second as this one. It
// reads the whole list.
func (c *Client) ServiceUserTokensEndingAt(ctx context.Context, p access.Principal) (n int, err error) {
	if p.TokenExpiresAt == nil {
		return 0, nil
	}
	var o ListOptions
	for {
		page, err := c.ServiceUsers(ctx, o)
		if err != nil {
			return 0, err
		}
		for _, other := range page.Items {
			if other.TokenExpiresAt != nil && other.TokenExpiresAt.Unix() == p.TokenExpiresAt.Unix() {
				n++
			}
		}
		if page.Next == "" || page.Next == o.Cursor {
			return n, nil
		}
		o.Cursor = page.Next
	}
}
