package main

import (
	"crypto/rand"
	"strings"

	"sentinelone-provisioner/internal/selector"
	"sentinelone-provisioner/internal/wire"
)

// requestPrefixes begin the workflow ids of requests, by custom.
var requestPrefixes = []string{
	wire.GrantID(""), wire.RevokeID(""), wire.ProvisionID(""), wire.OffboardID(""),
}

// newRequestID makes an id that a person can type and read out.
func newRequestID() string { return strings.ToLower(rand.Text()[:8]) }

// chosenID checks the id that a person gave a request, with or without its prefix.
func chosenID(text, prefix string) (string, error) {
	id, err := selector.RequestID(text, prefix)
	return id, badConfiguration(err)
}

// candidates are the workflow ids that a person may mean, likeliest first.
func candidates(id string, prefixes ...string) []string {
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

// typed is a workflow id as it is shortest to type.
func typed(id string) string { return strings.TrimPrefix(id, wire.GrantID("")) }
