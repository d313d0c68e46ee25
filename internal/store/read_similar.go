package store

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// similarNames collects the names most similar to one name.
type similarNames struct {
	folded string // folded, as foldCase does
	found  []candidate
}

type candidate struct {
	name     string
	distance int
}

const (
	maxSimilar = 5 // suggestions at most
	maxEdits   = 2 // characters that may differ
)

// add keeps a name if it is similar, and says whether it is.
func (n *similarNames) add(name string) bool {
	folded := foldCase(name)
	switch {
	case name == "":
		return false
	case folded == n.folded:
		n.insert(name, 0)
	case len(n.folded) > maxEdits && strings.Contains(folded, n.folded):
		n.insert(name, 1)
	default:
		d := editDistance(n.folded, folded)
		if d > maxEdits {
			return false
		}
		n.insert(name, 1+d)
	}
	return true
}

// isSimilar says whether add would keep the name.
func (n *similarNames) isSimilar(name string) bool {
	probe := similarNames{folded: n.folded}
	return probe.add(name)
}

func (n *similarNames) insert(name string, distance int) {
	n.found = append(n.found, candidate{name, distance})
	if len(n.found) > 20*maxSimilar {
		n.trim()
	}
}

func (n *similarNames) trim() {
	slices.SortFunc(n.found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	n.found = slices.Compact(n.found)
	n.found = n.found[:min(len(n.found), maxSimilar)]
}

func (n *similarNames) best() []string {
	n.trim()
	var out []string
	for _, c := range n.found {
		if !slices.Contains(out, c.name) {
			out = append(out, c.name)
		}
	}
	return out
}

// editDistance is the Levenshtein distance of two texts in characters. Where their lengths
// differ by more than maxEdits, that difference is the answer: the distance is no smaller.
func editDistance(a, b string) int {
	if d := utf8.RuneCountInString(a) - utf8.RuneCountInString(b); d > maxEdits || -d > maxEdits {
		return max(d, -d)
	}
	return levenshtein.ComputeDistance(a, b)
}
