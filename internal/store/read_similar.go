package store

import (
	"cmp"
	"slices"
	"strings"
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
	maxEdits   = 2 // bytes that may differ
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
		d := editDistance(n.folded, folded, maxEdits)
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

// editDistance is the Levenshtein distance of two texts in bytes. Above limit it returns
// limit+1.
func editDistance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	line := make([]int, len(b)+1)
	for j := range line {
		line[j] = j
	}
	for i := range len(a) {
		diagonal := line[0]
		line[0] = i + 1
		best := line[0]
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = line[j+1]
			line[j+1] = min(cost, line[j]+1, line[j+1]+1)
			best = min(best, line[j+1])
		}
		if best > limit {
			return limit + 1
		}
	}
	return line[len(b)]
}
