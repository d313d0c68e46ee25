package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// checkInput fails a workflow whose input has faults (by the rules that always held) or
// breaks a limit. One that was started before there were limits goes on as it began. The
// version is asked for only where a limit is broken, so that all others keep their history.
func checkInput(ctx workflow.Context, in wire.Limited, faults error) error {
	limits := in.Limits()
	if limits != nil && (faults != nil || since(ctx, inputLimitsVersion)) {
		return invalid(limits) // alone: the faults may repeat a text that is too long
	}
	if faults != nil {
		return invalid(faults)
	}
	return nil
}

// A history holds what every update says, counted or not, padding of its JSON included,
// and Temporal terminates a workflow at 50 MiB or 51,200 events. What people may send often
// ends far before that, so that the release of access always finds room.
const (
	maxHistoryBytes  = 10 << 20
	maxHistoryEvents = 15_000
)

// mayAdd refuses an update that breaks a limit, or that would make a long history longer.
// It is for validators, which do not run in a replay.
func mayAdd(ctx workflow.Context, in wire.Limited) error { return mayAddUpTo(ctx, in, 1) }

// mayStillAdd is [mayAdd] for what ends a request or a quarantine: it finds room after
// everything else is refused, to the same amount again.
func mayStillAdd(ctx workflow.Context, in wire.Limited) error { return mayAddUpTo(ctx, in, 2) }

func mayAddUpTo(ctx workflow.Context, in wire.Limited, share int) error {
	if err := in.Limits(); err != nil {
		return refused(err.Error())
	}
	info := workflow.GetInfo(ctx)
	if info.GetCurrentHistorySize() >= share*maxHistoryBytes ||
		info.GetCurrentHistoryLength() >= share*maxHistoryEvents {
		return refused(fmt.Sprintf("the history of the request is full (%d events, %d KiB): start a new request",
			info.GetCurrentHistoryLength(), info.GetCurrentHistorySize()>>10))
	}
	return nil
}
