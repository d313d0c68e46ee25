package store

import (
	"cmp"
	"slices"
	"strings"
)

// nearest collects the names that look most like one.
type nearest struct {
	to    string // folded
	found []candidate
}

type candidate struct {
	name     string
	distance int
}

const (
	similarNames = 5 // at most so many are offered
	similarEdits = 2 // letters that may be wrong
)

// offer keeps a name that is similar, and says whether it is.
func (n *nearest) offer(name string) bool {
	folded := fold(name)
	switch {
	case name == "":
		return false
	case folded == n.to:
		n.keep(name, 0)
	case len(n.to) > similarEdits && strings.Contains(folded, n.to):
		n.keep(name, 1)
	default:
		d := edits(n.to, folded, similarEdits)
		if d > similarEdits {
			return false
		}
		n.keep(name, 1+d)
	}
	return true
}

// near says whether offer would keep the name.
func (n *nearest) near(name string) bool {
	probe := nearest{to: n.to}
	return probe.offer(name)
}

func (n *nearest) keep(name string, distance int) {
	n.found = append(n.found, candidate{name, distance})
	if len(n.found) > 20*similarNames {
		n.trim()
	}
}

func (n *nearest) trim() {
	slices.SortFunc(n.found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	n.found = slices.Compact(n.found)
	n.found = n.found[:min(len(n.found), similarNames)]
}

func (n *nearest) best() []string {
	n.trim()
	var out []string
	for _, c := range n.found {
		if !slices.Contains(out, c.name) {
			out = append(out, c.name)
		}
	}
	return out
}

// edits is the Levenshtein distance of two texts, or anything above limit once it is
// known to be that.
func edits(a, b string, limit int) int {
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
