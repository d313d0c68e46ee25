package console

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

// Accounts returns a page of the accounts that the token can see. Whether the list includes
// deleted accounts is not verified; State tells.
//
//s1:operation GET /web/api/v2.1/accounts
func (c *Client) Accounts(ctx context.Context, o ListOptions) (Page[access.Account], error) {
	return list(ctx, c, access.Accounts, o, decodePage[accountRow])
}

type accountRow struct {
	ID    id   `json:"id"`
	Name  text `json:"name"`
	State text `json:"state"`
}

func (r accountRow) item() (access.Account, int) {
	return access.Account{ID: string(r.ID), Name: string(r.Name), State: string(r.State)}, 0
}
