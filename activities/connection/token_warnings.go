package connection

import (
	"context"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/wire"
)

const (
	// warningsPerCheck bounds how many warnings one check announces: on a large console, many tokens may be about to
	// end when the worker starts for the first time. The others follow with the next checks.
	warningsPerCheck = 10
	// maxWarned bounds what is remembered. What is forgotten is announced once more, which tells nobody twice.
	maxWarned = 10_000
)

// Warning has announce tell people of tokens that end soon. It is called once for each warning that is due, and again
// after a restart: announcing an event twice must deliver it once.
func (a *Activities) Warning(announce func(context.Context, wire.AnnounceInput) error) *Activities {
	a.announce = announce
	return a
}

// warnOfTokens announces the warnings that are due, of the worker's own token and of all service users' tokens.
func (a *Activities) warnOfTokens(ctx context.Context, own *connection.Token) {
	if a.announce == nil {
		return
	}
	if len(a.warned) > maxWarned {
		a.warned = nil
	}
	if a.warned == nil {
		a.warned = map[string]bool{}
	}
	now, announced := a.now().UTC(), 0
	warn := func(serviceUser string, ends time.Time) {
		days := connection.WarningDue(ends, now)
		key := fmt.Sprintf("%s/%d/%d", serviceUser, ends.Unix(), days)
		if days == 0 || a.warned[key] || announced >= warningsPerCheck {
			return
		}
		announced++
		err := a.announce(ctx, wire.AnnounceInput{Event: wire.Event{
			Type: wire.EventTokenExpires, Step: serviceUser, Number: int64(days), Entry: ends.Unix(),
		}})
		if err != nil {
			attempt.Logger(ctx).Warn("Cannot tell people yet that a token ends: the next check does", "error", err)
			return
		}
		a.warned[key] = true
	}
	if own != nil && own.EndsAt != nil {
		warn("", *own.EndsAt)
	}
	for _, t := range a.tokens.ends {
		warn(t.ID, t.EndsAt)
	}
}
