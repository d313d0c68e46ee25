package signing

import (
	"strings"

	"sentinelone-provisioner/internal/access"
)

// matchList matches as OpenSSH's match_pattern_list: one pattern must match, and none
// that begins with "!". Case counts. A name that is ruled out is ruled out in every
// spelling that we take for the same person, which OpenSSH does not do. It gives the
// pattern that matched.
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

// match knows * for any number of bytes and ? for one. It remembers the last * only,
// so its time is bounded by the product of both lengths.
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
