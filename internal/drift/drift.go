// Package drift says what an assignment on the console is to us: there before us, given by a request, or
// drift, which nothing in the ledger explains. Its types and words are those of outputs, metrics and
// policy rules.
package drift

import (
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// Kind is what an assignment is to us.
type Kind string

// The kinds. The last four are drift.
const (
	Baseline     Kind = "baseline"     // there before us, or adopted
	Granted      Kind = "granted"      // a permanent grant of ours
	Leased       Kind = "leased"       // ours until its end
	Overdue      Kind = "overdue"      // ours, more than a minute past its end
	Unexplained  Kind = "unexplained"  // given by hand
	Missing      Kind = "missing"      // ours, and removed by hand
	Unauthorized Kind = "unauthorized" // written under our token without a request on record
)

// Kinds lists all kinds, in the order in which they are shown.
func Kinds() []Kind {
	return []Kind{Baseline, Granted, Leased, Overdue, Unexplained, Missing, Unauthorized}
}

// Drifts lists the kinds that are drift, in the order in which they are shown.
func Drifts() []Kind { return Kinds()[3:] }

// IsDrift says whether assignments of that kind need a person or a rule.
func (k Kind) IsDrift() bool { return slices.Contains(Drifts(), k) }

// Known says that it is one of the kinds.
func (k Kind) Known() bool { return slices.Contains(Kinds(), k) }

// ParseKind reads a kind of drift as people type it.
func ParseKind(s string) (Kind, error) {
	if k := Kind(s); k.IsDrift() {
		return k, nil
	}
	return "", fmt.Errorf("unknown kind of drift %q: use overdue, unexplained, missing or unauthorized", s)
}

// Means says in a sentence what the kind means.
func (k Kind) Means() string {
	switch k {
	case Baseline:
		return "it was there before us, or was adopted"
	case Granted:
		return "a request has granted it permanently"
	case Leased:
		return "a request has granted it until its end"
	case Overdue:
		return "its end is more than a minute ago, and it is not released"
	case Unexplained:
		return "no request has granted it: it was given by hand"
	case Missing:
		return "a request has granted it, and it was removed by hand"
	case Unauthorized:
		return "it was written under our token, and no request on record names it"
	}
	return ""
}

// Counts counts assignments by kind. A missing one counts too, though it is not there.
type Counts map[Kind]int

// Drift is the number of assignments that are drift.
func (c Counts) Drift() int {
	n := 0
	for _, k := range Drifts() {
		n += c[k]
	}
	return n
}

// String is "2 overdue, 1 missing"; "none" without drift.
func (c Counts) String() string {
	out := ""
	for _, k := range Drifts() {
		if c[k] == 0 {
			continue
		}
		if out != "" {
			out += ", "
		}
		out += fmt.Sprintf("%d %s", c[k], k)
	}
	if out == "" {
		return "none"
	}
	return out
}

// Assignment is one role of one principal at one scope.
type Assignment struct {
	access.Holding

	Kind access.Kind
	ID   string // of the principal
}
