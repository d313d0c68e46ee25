package console

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// NewUser is a user to create. All fields are required.
type NewUser struct {
	Email    string // login name; compared without regard to case everywhere here
	FullName string
	Roles    access.Holdings
}

// CreateUser creates a user, without a password: the console sends an invitation by e-mail if
// onboarding is on. The call is not idempotent, and the API has no idempotency key: after any
// error look up the address before you retry. The vendor does not document the status for an
// address that is taken (400 or 409); the address may belong to a user that the token cannot
// see.
//
//s1:operation POST /web/api/v2.1/users
func (c *Client) CreateUser(ctx context.Context, in NewUser) (access.Principal, error) {
	r := request{method: http.MethodPost, path: usersPath, private: []string{in.Email}}
	roles, err := newHoldingsBody(in.Roles, access.Holdings{})
	switch {
	case !isEmail(in.Email):
		err = errNoEmail
	case strings.TrimSpace(in.FullName) == "":
		err = errors.New("the full name is empty: a console requires it")
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
			return access.Principal{}, errors.New("the response is about another e-mail address than the one sent")
		}
		return p, err
	})
}

// decodeNew reads {"data":{…}} with a principal. It is an error if it has no id.
func decodeNew[R row[access.Principal]](body []byte) (access.Principal, error) {
	data, err := decodeData[R](body)
	if err != nil {
		return access.Principal{}, err
	}
	p, _ := data.item()
	if p.ID == "" {
		return access.Principal{}, errors.New("the response has no id")
	}
	return p, nil
}

var errNoEmail = errors.New("this is not an e-mail address that a console accepts")

// emailPattern is the vendor's pattern for e-mail filters and for new users, without quoted
// local parts. It ignores case: the vendor's pattern lists upper-case letters only and would
// refuse every address that was seen.
var emailPattern = regexp.MustCompile("(?i)^[-!#$%&'*+/=?^_`{}|~0-9A-Z]+(\\.[-!#$%&'*+/=?^_`{}|~0-9A-Z]+)*" +
	`@[0-9A-Z]([0-9A-Z._-]{0,259}[0-9A-Z])?$`)

func isEmail(text string) bool { return emailPattern.MatchString(text) }
