package main

import (
	"os"
	"strings"
)

// defaultActor is the actor of a command unless --by or --requester names another: the
// name of the account on this machine, which need not be the address that policies list.
func defaultActor() string { return os.Getenv("USER") }

// isAddress says whether a name can be one that a policy lists.
func isAddress(name string) bool {
	before, after, found := strings.Cut(name, "@")
	return found && before != "" && after != ""
}
