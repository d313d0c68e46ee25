package requestclient

import (
	"crypto/rand"
	"strings"

	"sentinelone-provisioner/internal/wire"
)

// Prefixes returns the prefixes of the workflow ids of requests, as in "grant/".
func Prefixes() []string {
	return []string{wire.GrantID(""), wire.RevokeID(""), wire.ProvisionID(""), wire.OffboardID(""), wire.RotateID("")}
}

// NewID returns a random id, without prefix, that a person can type and read out: eight
// letters and digits.
func NewID() string { return strings.ToLower(rand.Text()[:8]) }

// Candidates returns the workflow ids that a person may mean by an id with or without one
// of the prefixes, the likeliest first.
func Candidates(id string, prefixes ...string) []string {
	for _, prefix := range prefixes {
		if strings.HasPrefix(id, prefix) {
			return []string{id}
		}
	}
	var out []string
	for _, prefix := range prefixes {
		out = append(out, prefix+id)
	}
	return append(out, id)
}

// ShortID is the shortest id to type for a workflow id: without prefix for a grant.
func ShortID(workflowID string) string { return strings.TrimPrefix(workflowID, wire.GrantID("")) }
