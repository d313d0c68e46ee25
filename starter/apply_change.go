package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// fileChange is one line of a file, read and checked.
type fileChange struct {
	fileRow
	startRequest

	want  wire.GrantInput // of a revoke too
	guess string          // what was made of its scope; "" if nothing
}

// who tells the principals of a file apart, as they are written: lines about one of
// them are carried out in their order.
func (c fileChange) who() string { return strings.ToLower(c.Kind + "\x00" + c.Principal) }

// compiler makes requests of lines.
type compiler struct {
	known     store.Directory
	requester string
	console   string
	batch     string
	dryRun    bool
}

// all reads every line. The error joins every fault, each with its line.
func (c compiler) all(rows []fileRow) ([]fileChange, error) {
	var out []fileChange
	var wrong []error
	seen := map[string]int{}
	for _, row := range rows {
		change, err := c.one(row)
		if err != nil {
			for _, fault := range faults(err) {
				wrong = append(wrong, fmt.Errorf("line %d: %w", row.line, fault))
			}
			continue
		}
		if first, twice := seen[change.id]; twice {
			wrong = append(wrong, fmt.Errorf("line %d: it is the same request as line %d: "+
				"take one out, or give each an id of its own", row.line, first))
			continue
		}
		seen[change.id] = row.line
		out = append(out, change)
	}
	return out, errors.Join(wrong...)
}

// one makes a request of a line.
func (c compiler) one(row fileRow) (fileChange, error) {
	out := fileChange{fileRow: row}
	kind, kindFault := kindOf(row)
	out.Kind = string(kind)
	principal, principalFault := access.PrincipalSelector{}, error(nil)
	if kindFault == nil {
		principal, principalFault = principalNamed(kind, row.Principal)
	}
	role, roleFault := roleNamed(row.Role)
	scope, guess, scopeFault := scopeNamed(row.Scope, row.Level, c.known)
	duration, durationFault := durationOf(row)
	glass, glassFault := glassOf(row)
	faults := errors.Join(kindFault, principalFault, roleFault, scopeFault, durationFault, glassFault)
	out.guess = guess
	grant := wire.GrantInput{
		Principal: principal, Role: role, Scope: scope, Duration: duration, Reason: row.Reason,
		Requester: c.requester, Console: c.console, DryRun: c.dryRun, BreakGlass: glass,
	}
	out.want = grant
	switch row.Action {
	case "grant":
		out.startRequest = startRequest{
			kind: wire.GrantType, input: &grant, summary: grantSummary(grant),
			settled: func(s wire.RequestStatus) bool { return s.State == wire.StateActive },
		}
	case actionRevoke:
		out.startRequest = startRequest{
			kind: wire.RevokeType,
			input: &wire.RevokeInput{
				Principal: principal, Role: role, Scope: scope, Reason: row.Reason,
				Requester: c.requester, Console: c.console, DryRun: c.dryRun,
			},
			summary: "revoke at " + string(scope.Level) + " level",
			settled: func(wire.RequestStatus) bool { return false },
		}
	default:
		return out, errors.Join(fmt.Errorf("action is %q: write grant or revoke", row.Action), faults)
	}
	prefix := row.Action + "/"
	id := "apply-" + c.key(row, grant)
	if row.ID != "" {
		var err error
		if id, err = chosenID(row.ID, prefix); err != nil {
			faults = errors.Join(faults, err)
		}
	}
	out.id = prefix + id
	return out, faults
}

// key is the same for the same line in the same batch, wherever in a file it stands.
func (c compiler) key(row fileRow, in wire.GrantInput) string {
	in.Requester, in.Console, in.DryRun = "", "", false // it is the same request whoever runs the file
	text, err := json.Marshal(in)
	if err != nil {
		return "" // cannot happen: no field can fail to encode
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", c.batch, row.Action, text))
	return hex.EncodeToString(sum[:8])
}

// kindOf reads the kind; an e-mail address is a user's.
func kindOf(row fileRow) (access.Kind, error) {
	switch strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(row.Kind)) {
	case "user":
		return access.User, nil
	case "serviceuser":
		return access.ServiceUser, nil
	case "":
		if strings.Contains(row.Principal, "@") {
			return access.User, nil
		}
	}
	return "", fmt.Errorf("kind is %q: write user or serviceUser", row.Kind)
}

// durationOf reads how long a role is wanted; nil for good.
func durationOf(row fileRow) (*access.Duration, error) {
	if row.Duration == "" {
		return nil, nil //nolint:nilnil // absent is a value here
	}
	d, err := parseSpan(row.Duration)
	switch {
	case err != nil:
		return nil, fmt.Errorf("duration: %w", err)
	case row.Action == actionRevoke:
		return nil, errors.New("duration is given for a revoke, which is for good: leave it out")
	case d > wire.MaxDuration:
		return nil, fmt.Errorf("duration: %s is too long: the longest is %s; leave it out for a role for good",
			row.Duration, access.Duration(wire.MaxDuration))
	}
	return new(access.Duration(d)), nil
}
