package console

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

// Sites returns a page of the sites that the token can see. The rows are in data.sites, since
// data also has totals (verified). Each has a registrationToken, a secret, which is not
// decoded. Whether the list includes deleted sites is not verified; State tells.
//
//s1:operation GET /web/api/v2.1/sites
func (c *Client) Sites(ctx context.Context, o ListOptions) (Page[access.Site], error) {
	return list(ctx, c, access.Sites, o, decodeSites)
}

type siteRow struct {
	ID          id   `json:"id"`
	Name        text `json:"name"`
	AccountID   id   `json:"accountId"`
	AccountName text `json:"accountName"`
	State       text `json:"state"`
}

func (r siteRow) item() (access.Site, int) {
	return access.Site{
		ID: string(r.ID), Name: string(r.Name), State: string(r.State),
		AccountID: string(r.AccountID), AccountName: string(r.AccountName),
	}, 0
}

func decodeSites(body []byte) (Page[access.Site], error) {
	var a answer[struct {
		Sites []siteRow `json:"sites"`
	}]
	if err := decode(body, &a); err != nil {
		return Page[access.Site]{}, err
	}
	return toPage[access.Site](a.envelope, a.Data.Sites, errNoSites)
}
