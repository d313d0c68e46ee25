package console

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

// Sites lists the sites that the token can see. The rows are in data.sites, since
// data also has totals (verified). They carry registrationToken, a secret, for
// which there is no field. Whether deleted sites are listed is not verified;
// State says.
//
//s1:operation GET /web/api/v2.1/sites
func (c *Client) Sites(ctx context.Context, o ListOptions) (Page[access.Site], error) {
	return list(ctx, c, access.Sites, "sites", o, scanSite)
}

func scanSite(s *scanner, page *Page[access.Site]) {
	var site access.Site
	s.object(func(key []byte) {
		switch string(key) {
		case "id":
			site.ID = s.id()
		case "name":
			site.Name = s.text()
		case "accountId":
			site.AccountID = s.id()
		case "accountName":
			site.AccountName = s.text()
		case "state":
			site.State = s.text()
		default:
			s.skip()
		}
	})
	s.needID(site.ID)
	page.Items = append(page.Items, site)
}
