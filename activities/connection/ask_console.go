package connection

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/inspect"
)

// maxText bounds a text of the console in the evidence, in characters.
const maxText = 300

func short(text string) string { return describe.Shorten(describe.Text(text), maxText) }

// writes are the permissions that grants and revokes need. Accounts need more, which only those need who create or
// delete accounts: they are neither missing nor excessive.
var (
	writes   = []string{"Users.edit", "Service Users.edit"}
	forReads = []string{"Activity Page.view"}
	accounts = []string{"Users.create", "Users.delete", "Service Users.create", "Service Users.delete"}
)

// askConsole asks what only the console knows. Where it does not say, what it said before stays, with its time.
func (a *Activities) askConsole(ctx context.Context, e, before *connection.Evidence) {
	ctx, cancel := context.WithTimeout(ctx, consoleTimeout)
	defer cancel()
	if before == nil {
		before = &connection.Evidence{}
	}
	var (
		report inspect.Report
		sites  *int
		role   *roleFound
		calls  sync.WaitGroup
	)
	calls.Go(func() { report = inspect.Run(ctx, a.console, access.Collections(), a.now()) })
	calls.Go(func() { sites, _ = a.console.SitesOfAccounts(ctx) }) // nil is "not known"
	calls.Go(func() { role = a.ownRole(ctx) })
	calls.Wait()
	at := a.now().UTC()
	e.Reachable, e.Authenticated = answered(report, at, before)
	e.Permissions, e.Sites, e.Token = before.Permissions, before.Sites, before.Token
	if len(report.Permissions) == 0 {
		return // the console has not answered, or rejects the token
	}
	e.Permissions = permissions(report, role, a.console.ReadOnly(), at)
	e.Token = &connection.Token{At: at, EndsAt: report.TokenExpiresAt}
	if seen := totalOf(report, access.Sites); seen != nil {
		e.Sites = &connection.Sites{At: at, Seen: *seen, Of: sites}
	}
}

// answered says whether the console answered, and whether it accepted the token.
func answered(r inspect.Report, at time.Time, before *connection.Evidence) (reach, auth *connection.Finding) {
	found := func(was *connection.Finding, err error, detail string) *connection.Finding {
		out := &connection.Finding{OK: err == nil, At: at, Detail: short(detail)}
		if err == nil {
			out.LastOK = &at
			return out
		}
		out.Detail = short(err.Error())
		if was != nil {
			out.LastOK = was.LastOK
		}
		return out
	}
	err := r.Err()
	answer, ok := errors.AsType[*console.Error](err)
	status := 0
	if ok {
		status = answer.Status
	}
	version := "the console answers"
	if r.System.Version != "" {
		version += ", version " + r.System.Version
	}
	switch {
	case status == http.StatusUnauthorized:
		return found(before.Reachable, nil, version), found(before.Authenticated, err, "")
	case r.Reached() || len(r.Permissions) > 0:
		return found(before.Reachable, nil, version),
			found(before.Authenticated, nil, "the console accepts the API token")
	case status == http.StatusTooManyRequests:
		return found(before.Reachable, nil, "the console answers, and limits the rate"), before.Authenticated
	}
	return found(before.Reachable, err, ""), before.Authenticated
}

func totalOf(r inspect.Report, c access.Collection) *int {
	i := slices.IndexFunc(r.Permissions, func(p inspect.Permission) bool { return p.Collection == c })
	if i < 0 {
		return nil
	}
	return r.Permissions[i].Total
}

// permissions lists what the worker needs, and what the role has besides.
func permissions(r inspect.Report, role *roleFound, readOnly bool, at time.Time) *connection.Permissions {
	out := &connection.Permissions{At: at}
	for _, p := range r.Permissions {
		n := connection.Permission{Name: p.Name, Use: connection.Read, Proof: "listed one row"}
		switch refusal, answered := errors.AsType[*console.Error](p.Err); {
		case p.Granted:
			n.Granted = new(true)
		case answered && refusal.Status == http.StatusForbidden && !refusal.HTML:
			n.Granted, n.Proof = new(false), short(p.Err.Error())
		default:
			n.Proof = short(p.Err.Error())
		}
		out.Needed = append(out.Needed, n)
	}
	allowed := forReads
	for _, n := range out.Needed {
		allowed = append(slices.Clone(allowed), n.Name)
	}
	if !readOnly {
		allowed = slices.Concat(allowed, writes, accounts)
		for _, name := range writes {
			n := connection.Permission{Name: name, Use: connection.Write}
			if granted, known := role.grants(name); known {
				n.Granted = &granted
				n.Proof = fmt.Sprintf("role %s of %s", describe.Named(role.name(), ""), role.owner)
			}
			out.Needed = append(out.Needed, n)
		}
	}
	if role != nil {
		out.RoleKnown, out.Role = true, short(role.name())
		beyond := role.beyond(allowed)
		out.ExcessiveCount = len(beyond)
		for _, name := range beyond[:min(len(beyond), connection.MaxListed)] {
			out.Excessive = append(out.Excessive, short(name))
		}
	}
	return out
}
