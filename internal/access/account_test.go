package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func TestNewAccount_Validate(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		account access.NewAccount
		want    []string // none: it is right
	}{
		"user":         {access.NewAccount{Kind: access.User, Email: "ana@example.com", Name: "Ana Roy"}, nil},
		"service user": {access.NewAccount{Kind: access.ServiceUser, Name: "ci", Description: "builds"}, nil},
		"nothing":      {access.NewAccount{Kind: access.User}, []string{`email is ""`, "fullName is missing"}},
		"no address":   {access.NewAccount{Kind: access.User, Email: "ana@", Name: "Ana"}, []string{`email is "ana@"`}},
		"no name":      {access.NewAccount{Kind: access.ServiceUser, Name: "  "}, []string{"name is missing"}},
		"odd name":     {access.NewAccount{Kind: access.ServiceUser, Name: "a<b"}, []string{"rejects < > ="}},
		"too long": {
			access.NewAccount{
				Kind: access.ServiceUser, Name: strings.Repeat("é", 256), Description: strings.Repeat("é", 256),
			},
			[]string{"name is longer than the 255", "description is longer than the 255"},
		},
		"as long as may be": {
			access.NewAccount{
				Kind: access.ServiceUser, Name: strings.Repeat("é", 255), Description: strings.Repeat("é", 255),
			}, nil,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.account.Validate()
			if len(c.want) == 0 {
				require.NoError(t, err)
				return
			}
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// A principal with read-only roles may be deleted, but its roles cannot be changed.
func TestUndeletable(t *testing.T) {
	t.Parallel()
	elsewhere := access.Principal{Kind: access.User, ID: "7", RolesReadOnly: true}
	require.Empty(t, access.Undeletable(elsewhere, false))
	require.NotEmpty(t, access.Untouchable(elsewhere, false))
	require.Contains(t, access.Undeletable(elsewhere, true), "owns the API token")
	system := access.Principal{Kind: access.User, ID: "7", IsSystem: true}
	require.Contains(t, access.Undeletable(system, false), "system")
}
