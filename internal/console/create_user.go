package console

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// NewUser is a user to be made. All of it is required.
type NewUser struct {
	Email    string // login name; compared without regard to case everywhere here
	FullName string
	Roles    access.Holdings
}

// CreateUser makes a user, without a password: the console invites by e-mail if
// onboarding is on. It is not idempotent and there is no key to make it so: after
// any error look the address up before trying again. What a console answers when
// the address is taken is not documented for this call (400 or 409); it may be taken
// by a user whom the token cannot see.
//
//s1:operation POST /web/api/v2.1/users
func (c *Client) CreateUser(ctx context.Context, in NewUser) (access.Principal, error) {
	r := request{method: http.MethodPost, path: usersPath, private: []string{in.Email}}
	roles, err := newHoldingsBody(in.Roles, access.Holdings{})
	switch {
	case !isEmail(in.Email):
		err = errNoEmail
	case strings.TrimSpace(in.FullName) == "":
		err = errors.New("the full name is empty: a console wants one")
	}
	if err != nil {
		return access.Principal{}, r.failed(KindNotSent, err)
	}
	r.body = dataBody(struct {
		holdingsBody

		Email    string `json:"email"`
		FullName string `json:"fullName"`
	}{roles, in.Email, in.FullName})
	return sendPrincipal(ctx, c, r, func(body []byte) (access.Principal, error) {
		p, err := decodeNew[userRow](body)
		if err == nil && p.Email != "" && !strings.EqualFold(p.Email, in.Email) {
			return access.Principal{}, errors.New("it is about another e-mail address than the one sent")
		}
		return p, err
	})
}

// decodeNew takes a reply that tells the id.
func decodeNew[R row[access.Principal]](body []byte) (access.Principal, error) {
	data, err := decodeData[R](body)
	if err != nil {
		return access.Principal{}, err
	}
	p, _ := data.item()
	if p.ID == "" {
		return access.Principal{}, errors.New("it has no id")
	}
	return p, nil
}

var errNoEmail = errors.New("the text is not an e-mail address that a console takes")

// emailPattern is the vendor's, which a console applies to e-mail filters and new
// users alike, without quoted local parts; regard to case would refuse every address
// that was seen.
var emailPattern = regexp.MustCompile("(?i)^[-!#$%&'*+/=?^_`{}|~0-9A-Z]+(\\.[-!#$%&'*+/=?^_`{}|~0-9A-Z]+)*" +
	`@[0-9A-Z]([0-9A-Z._-]{0,259}[0-9A-Z])?$`)

func isEmail(text string) bool { return emailPattern.MatchString(text) }
