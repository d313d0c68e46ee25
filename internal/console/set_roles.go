package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"sentinelone-provisioner/internal/access"
)

// Principal returns a user or a service user, by kind. If it does not exist, or the token cannot
// see it, the error is an [*Error] with status 404. Before that error, the list is requested
// too, so that two responses confirm that the principal is absent.
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
	ctx context.Context, c *Client, kind access.Kind, id string, decode pageDecoder[access.Principal],
) (access.Principal, error) {
	path, err := principalPath(kind)
	if err != nil {
		return access.Principal{}, unknownKind(http.MethodGet, kind)
	}
	r := request{method: http.MethodGet, path: path, query: url.Values{"ids": {id}}}
	var page Page[access.Principal]
	err = c.stream(ctx, r, func(body io.Reader) (err error) {
		page, err = decode(body, c.bounds(PageLimit))
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
			errors.New("the response is about other ids than the requested one"))
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

// SetRoles replaces all roles of a principal; p is the principal as just read. That PUT replaces
// the whole list is inferred from the vendor's description and from other clients. The API has
// no versions, so the last writer wins: use one writer per principal, and read back the result.
//
// It does not send (KindNotSent) an empty list, a role without id, two roles at one scope unless
// p holds the same two, a scope id at tenant level, or an entry without scope id below it. The
// returned principal is that of the response. After any other error it is unknown whether the
// console has applied the change.
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
	// Whether a console keeps an absent description is not documented. An empty one is left
	// out: nothing can be lost, and null and "" need not be distinguished.
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
	return "", fmt.Errorf("unknown kind of principal %q: use user or serviceUser", kind)
}

func unknownKind(method string, kind access.Kind) error {
	_, err := principalPath(kind)
	return request{method: method, path: "/{kind}/{id}"}.failed(KindNotSent, err)
}

// sendPrincipal sends a request whose response is one principal.
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

// about decodes a response about that id.
func about[R row[access.Principal]](id string) func([]byte) (access.Principal, error) {
	return func(body []byte) (access.Principal, error) { return decodeSingle[R, access.Principal](body, id) }
}
