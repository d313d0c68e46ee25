package console

import (
	"context"
	"errors"
	"io"
	"strings"

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

// decodeSites reads {"data":{"sites":[…]},"pagination":{…}}.
func decodeSites(in io.Reader, b bounds) (Page[access.Site], error) {
	s := newPageScan(in, b)
	var rows *pageRows[siteRow, access.Site]
	err := s.whole(func() error {
		return s.members("data", func(key string) (err error) {
			if !strings.EqualFold(key, "sites") {
				return s.value("data", &skipped{})
			}
			if rows != nil {
				return errors.New("the response has data.sites twice")
			}
			rows, err = readRows[siteRow](s, "data.sites")
			return err
		})
	})
	if err != nil {
		return Page[access.Site]{}, err
	}
	return rows.page(s.envelope, errNoSites)
}
