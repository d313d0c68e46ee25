package signing

import (
	"strings"

	"sentinelone-provisioner/internal/access"
)

// matchList matches a name as OpenSSH's match_pattern_list does: one pattern must match, and no
// negated one ("!…") may. It is case-sensitive. It is stricter than OpenSSH in one way: a negated
// pattern excludes every spelling that access.Fold takes for the same person, so that no
// spelling gets around it. It returns the pattern that matched.
func matchList(name, list string) (pattern string, ok bool) {
	for p := range strings.SplitSeq(list, ",") {
		if not, negated := strings.CutPrefix(p, "!"); negated {
			if match(name, not) || match(access.Fold(name), access.Fold(not)) {
				return "", false
			}
		} else if !ok && match(name, p) {
			pattern, ok = p, true
		}
	}
	return pattern, ok
}

// match takes * for any number of bytes and ? for one byte. It goes back to the last * only,
// so its time is at most proportional to the product of both lengths.
func match(name, pattern string) bool {
	n, p := 0, 0
	star, from := -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			n++
			p++
		case star >= 0:
			from++
			n, p = from, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
