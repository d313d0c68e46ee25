package main

import (
	"encoding/json"
	"fmt"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// extensionEvents are the times that somebody moved the end: as the receipt has them,
// until there is one as the ledger has them.
func (d dossier) extensionEvents() []event {
	var out []event
	for _, x := range d.extensions() {
		out = append(out, event{
			x.At, "extend", fmt.Sprintf("by %s by %s, to end on %s",
				orUnknown(x.By), x.Duration, describe.Second(x.EndsAt)),
		})
	}
	return out
}

func (d dossier) extensions() []access.Extension {
	if d.receipt != nil {
		return d.receipt.Extensions
	}
	var out []access.Extension
	for _, entry := range d.entries {
		var x access.Extension
		if entry.Kind == activities.EntryExtension && json.Unmarshal(entry.Body, &x) == nil {
			out = append(out, x)
		}
	}
	return out
}
