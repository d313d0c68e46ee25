package main

import (
	"os"
	"strings"
)

// defaultActor is for whom a command speaks unless --by or --requester says otherwise: the
// name of the account on this machine, which need not be the address that policies list.
func defaultActor() string { return os.Getenv("USER") }

// isAddress says whether a name can be one that a policy lists.
func isAddress(name string) bool {
	before, after, found := strings.Cut(name, "@")
	return found && before != "" && after != ""
}
