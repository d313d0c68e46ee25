package main

import (
	"fmt"

	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/wire"
)

// waitText describes what a request waits for; "" for nothing. If it waits for approvers, it
// names the commands to decide.
func waitText(id string, s wire.RequestStatus) string {
	switch {
	case s.Waiting == "":
		return ""
	case s.State == wire.StateAwaitingApproval:
		return fmt.Sprintf("waiting %[1]s: others decide with `starter approve %[2]s` or `starter deny %[2]s`",
			s.Waiting, requestclient.ShortID(id))
	}
	return s.State + ": " + s.Waiting
}
