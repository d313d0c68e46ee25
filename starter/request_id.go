package main

import (
	"crypto/rand"
	"regexp"
	"strings"

	"sentinelone-provisioner/internal/wire"
)

// requestPrefixes begin the workflow ids of requests, by custom.
var requestPrefixes = []string{
	wire.GrantID(""), wire.RevokeID(""), wire.ProvisionID(""), wire.OffboardID(""),
}

// newRequestID makes an id that a person can type and read out.
func newRequestID() string { return strings.ToLower(rand.Text()[:8]) }

// goodID are ids that shells, URLs and Temporal's own tools take as they are.
var goodID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$`)

// chosenID checks the id that a person gave a request, with or without its prefix. It
// becomes part of a workflow id, which Temporal does not encrypt.
func chosenID(text, prefix string) (string, error) {
	id := strings.TrimPrefix(strings.TrimSpace(text), prefix)
	if strings.Contains(id, "@") {
		return "", usage("id %q: no e-mail addresses in ids, which Temporal keeps in clear", id)
	}
	if !goodID.MatchString(id) {
		return "", usage("id %q: write letters, digits and any of . _ : -, at most 100, as in INC-42", id)
	}
	return id, nil
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
