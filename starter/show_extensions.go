package main

import (
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
)

// extensionEvents are the times that somebody moved the end: as the receipt has them,
// until there is one as the ledger has them.
func (d requestRecord) extensionEvents() []event {
	var out []event
	for _, x := range d.extensions() {
		out = append(out, event{
			x.At, "extend", fmt.Sprintf("by %s by %s, to end on %s",
				orUnknown(x.By), x.Duration, describe.Second(x.EndsAt)),
		})
	}
	return out
}

func (d requestRecord) extensions() []access.Extension {
	if d.receipt != nil {
		return d.receipt.Extensions
	}
	var out []access.Extension
	for _, entry := range d.entries {
		if body, is := entry.body.(ledger.Extension); is {
			out = append(out, body.Extension)
		}
	}
	return out
}
