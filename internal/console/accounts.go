package console

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

// Accounts lists the accounts that the token can see. Whether deleted ones are
// among them is not verified; State says.
//
//s1:operation GET /web/api/v2.1/accounts
func (c *Client) Accounts(ctx context.Context, o ListOptions) (Page[access.Account], error) {
	return list(ctx, c, access.Accounts, "", o, scanAccount)
}

func scanAccount(s *scanner, page *Page[access.Account]) {
	var a access.Account
	s.object(func(key []byte) {
		switch string(key) {
		case "id":
			a.ID = s.id()
		case "name":
			a.Name = s.text()
		case "state":
			a.State = s.text()
		default:
			s.skip()
		}
	})
	s.needID(a.ID)
	page.Items = append(page.Items, a)
}

// needID refuses a row that nothing can be attached to. Leaving it out would make
// the list shorter than the console's, as if something were gone.
func (s *scanner) needID(id string) {
	if id == "" {
		s.fail("a row has no id")
	}
}
