// Package applyfile reads a file of grants and revokes: CSV or JSON rows, checked, each
// with the id of the request that carries it out.
package applyfile

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/selector"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

// The actions of a row.
const (
	ActionGrant  = "grant"
	ActionRevoke = "revoke"
)

// Change is one line of a file, read and checked.
type Change struct {
	Row

	ID       string          // workflow id: action/id
	Want     wire.GrantInput // of a revoke too, which has no duration and no break-glass
	Inferred string          // what was assumed about the level of its scope; "" if nothing
}

// Revoke is the input of a revoke.
func (c Change) Revoke() wire.RevokeInput {
	w := c.Want
	return wire.RevokeInput{
		Principal: w.Principal, Role: w.Role, Scope: w.Scope, Reason: w.Reason,
		Requester: w.Requester, Console: w.Console, DryRun: w.DryRun,
	}
}

// PrincipalKey is equal for changes of one principal, as the file writes it: those are
// carried out in the order of their lines.
func (c Change) PrincipalKey() string { return c.Kind + "\x00" + access.Fold(c.Principal) }

// Reader turns the lines of a file into requests.
type Reader struct {
	Scopes    selector.Scopes // of the last sync
	Requester string
	Console   string // host; "" if unknown
	Batch     string // name of this run: the same line in another batch is another request
	DryRun    bool
}

// Read reads and checks a whole file. The error joins a [*LineError] for each fault, in
// the order of the lines; the changes are those of the lines without one.
func (r Reader) Read(data []byte) ([]Change, error) {
	rows, err := Parse(data)
	if err != nil && len(rows) == 0 {
		return nil, err
	}
	changes, faults := r.changes(rows)
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		faults = append(faults, joined.Unwrap()...)
	}
	slices.SortStableFunc(faults, func(a, b error) int { return cmp.Compare(lineOf(a), lineOf(b)) })
	return changes, errors.Join(faults...)
}

// lineOf is the line of a fault; a fault of the whole file comes last.
func lineOf(err error) int {
	if e, ok := errors.AsType[*LineError](err); ok {
		return e.Line
	}
	return int(^uint(0) >> 1)
}

func (r Reader) changes(rows []Row) (out []Change, faults []error) {
	seen := map[string]int{}
	for _, row := range rows {
		change, wrong := r.change(row)
		for _, fault := range wrong {
			faults = append(faults, &LineError{row.Line, fault})
		}
		if len(wrong) > 0 {
			continue
		}
		if first, twice := seen[change.ID]; twice {
			faults = append(faults, lineError(row.Line, "same request as line %d: "+
				"remove one, or give each an id of its own", first))
			continue
		}
		seen[change.ID] = row.Line
		out = append(out, change)
	}
	return out, faults
}

// change turns a line into a request, and returns its faults.
func (r Reader) change(row Row) (Change, []error) {
	faults := row.limits()
	if len(faults) > 0 { // other faults would repeat the text
		return Change{Row: row}, faults
	}
	check := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	if row.Action != ActionGrant && row.Action != ActionRevoke {
		check(fmt.Errorf("unknown action %q: write grant or revoke", row.Action))
	}
	out := Change{Row: row, Want: wire.GrantInput{
		Reason: row.Reason, Requester: r.Requester, Console: r.Console, DryRun: r.DryRun,
	}}
	var err error
	kind, err := kindOf(row)
	out.Kind = string(kind)
	if check(err); err == nil {
		out.Want.Principal, err = selector.Principal(kind, row.Principal)
		check(err)
	}
	out.Want.Role, err = selector.Role(row.Role)
	check(err)
	inferred, wrong := r.readScopes(row, &out.Want)
	out.Inferred, faults = inferred, append(faults, wrong...)
	out.Want.Duration, err = durationOf(row)
	check(err)
	out.Want.BreakGlass, err = breakGlassOf(row)
	check(err)
	out.ID, err = r.id(row, out.Want)
	check(err)
	return out, faults
}

// id is the workflow id of a line: the one in its column id, or else one computed from its
// other columns.
func (r Reader) id(row Row, in wire.GrantInput) (string, error) {
	prefix := row.Action + "/"
	if row.ID == "" {
		return prefix + "apply-" + r.key(row, in), nil
	}
	id, err := selector.RequestID(row.ID, prefix)
	return prefix + id, err
}

// key is equal for equal lines of one batch, at any place in the file.
func (r Reader) key(row Row, in wire.GrantInput) string {
	in.Requester, in.Console, in.DryRun = "", "", false // the request is the same for every user of the file
	in = composed(in)
	in.Scopes = inOrder(in.Scopes)
	in.Principal.Email = access.Fold(in.Principal.Email) // an address in another case is the same one
	text, err := json.Marshal(in)
	if err != nil {
		return "" // cannot happen: no field can fail to encode
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", r.Batch, row.Action, text))
	return hex.EncodeToString(sum[:8])
}

// composed has each accent in the character that it belongs to, as most programs write names. Some write an accent as
// a character of its own, and the name is the same one.
func composed(in wire.GrantInput) wire.GrantInput {
	in.Principal.Name, in.Role.Name = norm.NFC.String(in.Principal.Name), norm.NFC.String(in.Role.Name)
	in.Scope.Name = norm.NFC.String(in.Scope.Name)
	in.Scopes = slices.Clone(in.Scopes)
	for i := range in.Scopes {
		in.Scopes[i].Name = norm.NFC.String(in.Scopes[i].Name)
	}
	return in
}

// kindOf reads the kind; an e-mail address is a user's.
func kindOf(row Row) (access.Kind, error) {
	switch kind := access.Kind(row.Kind); kind {
	case access.User, access.ServiceUser:
		return kind, nil
	case "":
		if strings.Contains(row.Principal, "@") {
			return access.User, nil
		}
	}
	return "", fmt.Errorf("unknown kind %q: write user or serviceUser", row.Kind)
}

// durationOf reads how long a grant lasts; nil for a permanent one.
func durationOf(row Row) (*access.Duration, error) {
	if row.Duration == "" {
		return nil, nil //nolint:nilnil // absent is a value here
	}
	d, err := timetext.Duration(row.Duration)
	switch {
	case err != nil:
		return nil, fmt.Errorf("duration: %w", err)
	case row.Action == ActionRevoke:
		return nil, errors.New("duration does not apply to a revoke: leave it empty")
	case d > wire.MaxDuration:
		return nil, fmt.Errorf("duration: %s is above the maximum of %s; leave it empty for a permanent grant",
			row.Duration, access.Duration(wire.MaxDuration))
	}
	return new(access.Duration(d)), nil
}
