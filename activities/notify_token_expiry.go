package activities

import (
	"context"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

const oneDay = 24 * time.Hour

// tokenExpires is the event of an API token that expires soon: once for each token and each number of days before its
// end that [connection.TokenWarningDays] lists. The worker's own token ends as the console says, and that of the
// service user whose id the event has as Step ends as the latest proven sync says. The event's Number is the number of
// days, and its Entry the end in seconds since 1970, so that a token that replaces another one has events of its own.
func (n *Notify) tokenExpires(ctx context.Context, in wire.Event) (built, error) {
	warnings, now := connection.TokenWarningDays(), n.now().UTC()
	if in.Number > int64(slices.Max(warnings)) {
		return n.tokenExpiresToday(ctx, in)
	}
	owner, ends, err := n.tokenOf(ctx, in.Step)
	if err != nil {
		return built{}, err
	}
	if ends == nil || in.Entry != 0 && in.Entry != ends.Unix() {
		return built{}, noGround("no such token expires")
	}
	days := int(in.Number)
	if days == 0 {
		days = connection.WarningDue(*ends, now)
	}
	// A delivery may last for a day, so the token may have ended meanwhile.
	if left := ends.Sub(now); !slices.Contains(warnings, days) || left > time.Duration(days)*oneDay || left <= -oneDay {
		return built{}, noGround("the token does not expire soon")
	}
	out := built{pinned: wire.Event{Type: in.Type, Step: in.Step, Number: int64(days), Entry: ends.Unix()}}
	out.At, out.EndsAt, out.Principal = ends.Add(-time.Duration(days)*oneDay).UTC(), ends.UTC(), owner
	out.Details = []string{"the token expires at " + describe.Second(*ends)}
	return out, nil
}

// tokenOf is whose token it is, and when it ends; nil for the worker's own token, and where there is no end.
func (n *Notify) tokenOf(
	ctx context.Context, serviceUser string,
) (owner *access.PrincipalRef, ends *time.Time, err error) {
	if serviceUser == "" {
		ends, err = n.tokenEnds(ctx)
		return nil, ends, err
	}
	err = n.store.ServiceUserTokens(ctx, n.console, func(p access.Principal) error {
		if p.ID == serviceUser {
			ends = p.TokenExpiresAt
			owner = &access.PrincipalRef{
				Kind: p.Kind, ID: oneLine(p.ID, maxPerson), Name: oneLine(p.Name, maxPerson),
			}
		}
		return nil
	})
	return owner, ends, err
}

// dailyWarning is how long before its end versions up to 0.7.0 told people of the worker's token, once a day.
const dailyWarning = 14 * oneDay

// tokenExpiresToday is an event that a version up to 0.7.0 has announced, whose delivery goes on: its Number is the
// day.
func (n *Notify) tokenExpiresToday(ctx context.Context, in wire.Event) (built, error) {
	today := n.now().UTC().Truncate(oneDay)
	if asked := time.Unix(in.Number, 0).UTC(); !asked.Equal(today) && !asked.Equal(today.Add(-oneDay)) {
		return built{}, noGround("it is about another day")
	}
	today = time.Unix(in.Number, 0).UTC()
	ends, err := n.tokenEnds(ctx)
	if err != nil {
		return built{}, err
	}
	if ends == nil || ends.Sub(today.Add(oneDay)) > dailyWarning {
		return built{}, noGround("by the console, the token does not expire soon")
	}
	out := built{pinned: wire.Event{Type: in.Type, Number: today.Unix()}}
	out.At, out.EndsAt = today, ends.UTC()
	out.Details = []string{"the token expires at " + describe.Second(*ends)}
	return out, nil
}
