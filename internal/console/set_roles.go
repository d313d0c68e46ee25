package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"sentinelone-provisioner/internal/access"
)

// Principal gets a user or a service user, by kind. One that does not exist, or that
// the token cannot see, is an [*Error] with status 404: said twice, since the list is
// asked too before somebody counts as gone.
//
//s1:operation GET /web/api/v2.1/users/{user_id}
//s1:operation GET /web/api/v2.1/users
func (c *Client) Principal(ctx context.Context, kind access.Kind, id string) (access.Principal, error) {
	var (
		p   access.Principal
		err error
	)
	switch kind {
	case access.User:
		p, err = c.User(ctx, id)
	case access.ServiceUser:
		p, err = c.ServiceUser(ctx, id)
	default:
		return p, unknownKind(http.MethodGet, kind)
	}
	answer, failed := errors.AsType[*Error](err)
	if !failed || answer.Kind != KindStatus || answer.Status != http.StatusNotFound {
		return p, err
	}
	if kind == access.ServiceUser {
		return fromList(ctx, c, kind, id, decodePage[serviceUserRow])
	}
	return fromList(ctx, c, kind, id, decodePage[userRow])
}

// fromList finds a principal in the list, filtered by its id.
func fromList(
	ctx context.Context, c *Client, kind access.Kind, id string, decode func([]byte) (Page[access.Principal], error),
) (access.Principal, error) {
	path, err := principalPath(kind)
	if err != nil {
		return access.Principal{}, unknownKind(http.MethodGet, kind)
	}
	r := request{method: http.MethodGet, path: path, query: url.Values{"ids": {id}}}
	var page Page[access.Principal]
	err = c.do(ctx, r, func(body []byte) (err error) {
		page, err = decode(body)
		return err
	})
	if err != nil {
		return access.Principal{}, err
	}
	for _, p := range page.Items {
		if p.ID == id {
			return p, nil
		}
	}
	if len(page.Items) > 0 {
		return access.Principal{}, r.malformed(http.StatusOK,
			errors.New("it is about other ids than the one asked for"))
	}
	r.path += "/" + id
	e := r.failed(KindStatus, nil)
	e.Status, e.Title = http.StatusNotFound, notFoundTitle(kind)
	return access.Principal{}, e
}

func notFoundTitle(kind access.Kind) string {
	if kind == access.ServiceUser {
		return "Service User not found"
	}
	return "User not found"
}

// SetRoles replaces everything that a principal holds; p is the principal as it was
// read a moment ago. That PUT replaces the whole list is inferred from the vendor's
// description and from other clients; there is no version to write against, so the
// last writer wins: have one writer per principal, and read back what was written.
//
// An empty list, a role without id, two roles at one scope that were not read so, a scope
// id at tenant level and an entry without one below it are not sent (KindNotSent). The principal
// returned is that of the reply. After any other error whether the console has done
// it is not known.
//
//s1:operation PUT /web/api/v2.1/users/{user_id}
//s1:operation PUT /web/api/v2.1/service-users/{service_user_id}
func (c *Client) SetRoles(
	ctx context.Context, p access.Principal, want access.Holdings,
) (access.Principal, error) {
	path, err := principalPath(p.Kind)
	if err != nil {
		return access.Principal{}, unknownKind(http.MethodPut, p.Kind)
	}
	r := request{method: http.MethodPut, path: path + "/{id}"}
	if err := checkID(p.ID); err != nil {
		return access.Principal{}, r.failed(KindNotSent, err)
	}
	r.path = path + "/" + p.ID
	roles, err := newHoldingsBody(want, p.Holdings())
	if err != nil {
		return access.Principal{}, r.failed(KindNotSent, err)
	}
	if p.Kind == access.User {
		r.body = dataBody(roles)
		return sendPrincipal(ctx, c, r, about[userRow](p.ID))
	}
	// Whether an absent description is kept is not documented. An empty one is left
	// out: nothing can be lost, and null and "" need not be told apart.
	r.body = dataBody(struct {
		holdingsBody

		Description string `json:"description,omitempty"`
	}{roles, p.Description})
	return sendPrincipal(ctx, c, r, about[serviceUserRow](p.ID))
}

func principalPath(kind access.Kind) (string, error) {
	switch kind {
	case access.User:
		return usersPath, nil
	case access.ServiceUser:
		return serviceUsersPath, nil
	}
	return "", fmt.Errorf("unknown kind of principal %q: there are user and serviceUser", kind)
}

func unknownKind(method string, kind access.Kind) error {
	_, err := principalPath(kind)
	return request{method: method, path: "/{kind}/{id}"}.failed(KindNotSent, err)
}

// sendPrincipal sends a request that is answered with one principal.
func sendPrincipal(
	ctx context.Context, c *Client, r request, decode func(body []byte) (access.Principal, error),
) (access.Principal, error) {
	var p access.Principal
	err := c.do(ctx, r, func(body []byte) (err error) {
		p, err = decode(body)
		return err
	})
	return p, err
}

// about takes a reply that is about that id and no other.
func about[R row[access.Principal]](id string) func([]byte) (access.Principal, error) {
	return func(body []byte) (access.Principal, error) { return decodeSingle[R, access.Principal](body, id) }
}
