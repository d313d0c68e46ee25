package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"sentinelone-provisioner/internal/access"
)

// Limits of a service user's texts, in characters (verified).
const (
	maxServiceUserName        = 255
	maxServiceUserDescription = 255
)

// NewServiceUser is a service user to create. All fields but Description are required.
type NewServiceUser struct {
	Name           string // 1 to 255 characters, none of < > =; whether it must be unique is not documented
	Description    string // at most 255 characters
	Roles          access.Holdings
	TokenExpiresAt time.Time // when its first token expires
}

// CreateServiceUser creates a service user and returns it with its first token, which the
// console shows only once. The call is not idempotent: after any error look up the name before
// you retry. A token whose response was lost can only be replaced, by
// [Client.GenerateServiceUserToken] or a new service user.
//
//s1:operation POST /web/api/v2.1/service-users
func (c *Client) CreateServiceUser(ctx context.Context, in NewServiceUser) (access.Principal, Secret, error) {
	r := request{method: http.MethodPost, path: serviceUsersPath}
	roles, err := newHoldingsBody(in.Roles, access.Holdings{})
	if err == nil {
		err = in.check()
	}
	if err != nil {
		return access.Principal{}, Secret{}, r.failed(KindNotSent, err)
	}
	r.body = dataBody(struct {
		holdingsBody

		Name           string `json:"name"`
		Description    string `json:"description,omitempty"`
		ExpirationDate string `json:"expirationDate"`
	}{roles, in.Name, in.Description, moment(in.TokenExpiresAt)})
	var (
		p     access.Principal
		token Secret
	)
	err = c.do(ctx, r, func(body []byte) (err error) {
		p, token, err = decodeNewServiceUser(body)
		return err
	})
	return p, token, err
}

func (in NewServiceUser) check() error {
	switch {
	case strings.TrimSpace(in.Name) == "" || utf8.RuneCountInString(in.Name) > maxServiceUserName:
		return fmt.Errorf("the name is empty or too long: use 1 to %d characters", maxServiceUserName)
	case strings.ContainsAny(in.Name, "<>="):
		return errors.New("the name has one of < > =, which a console does not accept in the name of a service user")
	case utf8.RuneCountInString(in.Description) > maxServiceUserDescription:
		return fmt.Errorf("the description is longer than %d characters: shorten it", maxServiceUserDescription)
	case in.TokenExpiresAt.IsZero():
		return errNoExpiry
	}
	return nil
}

var errNoExpiry = errors.New("the token has no expiry time: a console requires one")

func decodeNewServiceUser(body []byte) (access.Principal, Secret, error) {
	p, err := decodeNew[serviceUserRow](body)
	if err != nil {
		return access.Principal{}, Secret{}, err
	}
	// Decoded separately: the row has no field that could hold the token.
	data, err := decodeData[struct {
		APIToken struct {
			Value text `json:"value"`
		} `json:"apiToken"`
	}](body)
	switch {
	case err != nil:
		return access.Principal{}, Secret{}, err
	case data.APIToken.Value == "":
		return access.Principal{}, Secret{},
			fmt.Errorf("it created service user %s but returned no token: generate a new token", p.ID)
	}
	return p, newSecret(string(data.APIToken.Value)), nil
}

// GenerateServiceUserToken creates a new token for a service user, valid until expires. The
// token that it has becomes invalid. The vendor's description of 2024 lacks this call; that of
// 2026 has it: see [MayLackCall].
//
//s1:operation POST /web/api/v2.1/service-users/{service_user_id}/generate-api-token
func (c *Client) GenerateServiceUserToken(ctx context.Context, id string, expires time.Time) (Secret, error) {
	const call = "/generate-api-token"
	r := request{method: http.MethodPost, path: serviceUsersPath + "/{id}" + call}
	err := checkID(id)
	if err == nil && expires.IsZero() {
		err = errNoExpiry
	}
	if err != nil {
		return Secret{}, r.failed(KindNotSent, err)
	}
	r.path = serviceUsersPath + "/" + id + call
	r.body = dataBody(map[string]string{"expirationDate": moment(expires)})
	var token Secret
	err = c.do(ctx, r, func(body []byte) (err error) {
		token, err = decodeToken(body)
		return err
	})
	return token, err
}

func decodeToken(body []byte) (Secret, error) {
	data, err := decodeData[struct {
		Token text `json:"token"`
	}](body)
	switch {
	case err != nil:
		return Secret{}, err
	case data.Token == "":
		return Secret{}, errors.New("the response has no token")
	}
	return newSecret(string(data.Token)), nil
}

// moment formats a time as consoles do: UTC, with microseconds.
func moment(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000Z") }
