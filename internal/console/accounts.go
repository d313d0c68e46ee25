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

// SitesOfAccounts is how many sites the accounts that the token sees say that they have, without deleted accounts; nil
// if one does not say. Whether the number includes expired and deleted sites is not verified.
//
//s1:operation GET /web/api/v2.1/accounts
func (c *Client) SitesOfAccounts(ctx context.Context) (*int, error) {
	accounts, err := all(ctx, c, access.Accounts, nil, decodePage[countingAccountRow], every)
	if err != nil {
		return nil, err
	}
	sum := 0
	for _, a := range accounts {
		switch {
		case a.State == "deleted":
		case a.sites == nil:
			return nil, nil
		default:
			sum += *a.sites
		}
	}
	return &sum, nil
}

// countingAccount is an account with the number of its sites.
type countingAccount struct {
	access.Account

	sites *int
}

type countingAccountRow struct {
	accountRow

	NumberOfSites count `json:"numberOfSites"`
}

func (r countingAccountRow) item() (countingAccount, int) {
	a, unassigned := r.accountRow.item()
	return countingAccount{Account: a, sites: r.NumberOfSites.value}, unassigned
}
