package accounts

import (
	"fmt"

	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
)

// pendingText says what a running request waits for, and what to do about it. again names what to press then.
func pendingText(id string, o requestrecord.Observation, again string) string {
	typed := requestclient.ShortID(id)
	switch s := o.Status; {
	case s == nil:
		return fmt.Sprintf("request %s runs, and its state is not known: %s. See `starter show %s`, then %s",
			id, describe.Text(o.Trouble), typed, again)
	case s.State == wire.StateAwaitingApproval:
		return fmt.Sprintf("request %s waits %s: decide with `starter approve %s` or `starter deny %s`, then %s",
			id, describe.Text(s.Waiting), typed, typed, again)
	case s.Waiting != "":
		return fmt.Sprintf("request %s is %s and waits %s. See `starter show %s`, then %s",
			id, s.State, describe.Text(s.Waiting), typed, again)
	default:
		return fmt.Sprintf("request %s is %s. See `starter show %s`, then %s", id, s.State, typed, again)
	}
}

// failure is why a request that has ended did not do what it was for.
func failure(id string, o requestrecord.Observation) error {
	typed := requestclient.ShortID(id)
	if o.Failure != nil {
		return explain.Newf(codes.FailedPrecondition, "request %s failed: %s. See `starter show %s`", id,
			describe.Text(o.Failure.Error()), typed)
	}
	why := ""
	if o.Result != nil && o.Result.Message != "" {
		why = ": " + describe.Text(o.Result.Message)
	}
	switch state := o.State(); state {
	case wire.StateDenied, wire.StateTimedOut, wire.StateCancelled:
		return explain.Newf(codes.PermissionDenied, "request %s was not carried out, it is %s%s. "+
			"Request it again if it is still needed; see `starter show %s`", id, ended[state], why, typed)
	case wire.StateRefused:
		return explain.Newf(codes.FailedPrecondition, "request %s was refused%s. See `starter show %s`",
			id, why, typed)
	default:
		return explain.Newf(codes.Internal, "request %s ended %s%s. See `starter show %s`", id, state, why, typed)
	}
}

// ended are states in which requests end, in words.
var ended = map[string]string{
	wire.StateDenied: "denied", wire.StateTimedOut: "timed out", wire.StateCancelled: "cancelled",
}

// invalid is an error about what ConductorOne has sent.
func invalid(format string, args ...any) error {
	return explain.Newf(codes.InvalidArgument, format, args...)
}

// errOnlyReads is what a connector without a worker says.
var errOnlyReads = explain.Newf(codes.FailedPrecondition, "this connector only reads, as with --standalone: to "+
	"provision, run it beside a worker, without --standalone")
