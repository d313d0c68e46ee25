package consoletest

import (
	"encoding/json"
	"net/http"

	"sentinelone-provisioner/internal/access"
)

// one responds with one row of a collection.
func one[T any](c *Console, name access.Collection, id string, view func(*T) any) answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := find[T](c.shown(name), id)
	if e == nil {
		return notFound()
	}
	return data(view(e))
}

//s1:operation GET /web/api/v2.1/accounts/{account_id}
func (c *Console) getAccount(call *call) answer {
	return one(c, access.Accounts, call.id(), func(a *account) any { return c.accountView(a) })
}

//s1:operation GET /web/api/v2.1/sites/{site_id}
func (c *Console) getSite(call *call) answer {
	return one(c, access.Sites, call.id(), func(s *site) any { return c.siteView(s) })
}

//s1:operation GET /web/api/v2.1/users/{user_id}
func (c *Console) getUser(call *call) answer {
	return one(c, access.Users, call.id(), func(p *principal) any { return c.userDetail(p) })
}

// getServiceUser exists in newer consoles only. They add the account to the object; it is left
// out here, since its form was never seen.
func (c *Console) getServiceUser(call *call) answer {
	return one(c, access.ServiceUsers, call.id(), func(p *principal) any { return c.serviceUserView(p) })
}

//s1:operation GET /web/api/v2.1/system/info
func (c *Console) systemInfo(*call) answer {
	return data(map[string]string{
		"version": "Simulated-1.0", "release": "Simulated", "patch": "1", "build": "1",
		"latestAgentVersion": "23.4.2.3",
	})
}

// tokenDetails accepts the console's own token; for any other the vendor documents 400 without
// a text.
//
//s1:operation POST /web/api/v2.1/users/api-token-details
func (c *Console) tokenDetails(call *call) answer {
	fields, a, ok := readData(call, "apiToken")
	if !ok {
		return a
	}
	var token string
	if err := json.Unmarshal(fields["apiToken"], &token); err != nil {
		return invalid("apiToken: Not a valid API token.")
	}
	caller, found := c.ownerOf(token)
	if !found && token != c.Token() {
		return invalid("apiToken: Not a valid API token.")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.serviceUsers.get(caller); caller != 0 && p != nil {
		return data(timesOf(p.entity.(*principal)))
	}
	return data(tokenTimes{
		CreatedAt: epoch.micros(), ExpiresAt: stampOf(c.opts.TokenExpiresAt).seconds(),
	})
}

// maxBody bounds the body of a request, in bytes.
const maxBody = 1 << 20

// readData reads the fields of `{"data":{…}}` and rejects unknown ones.
func readData(call *call, known ...string) (map[string]json.RawMessage, answer, bool) {
	var body map[string]json.RawMessage
	if err := json.NewDecoder(http.MaxBytesReader(nil, call.http.Body, maxBody)).Decode(&body); err != nil {
		return nil, invalid("Invalid JSON body"), false
	}
	if a, ok := onlyKnown("", body, "data"); !ok {
		return nil, a, false
	}
	raw, ok := body["data"]
	if !ok {
		return nil, invalid("data: Missing data for required field."), false
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return nil, invalid("data: Invalid input type."), false
	}
	if a, ok := onlyKnown("data: ", fields, known...); !ok {
		return nil, a, false
	}
	return fields, answer{}, true
}
