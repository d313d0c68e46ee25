package access

import (
	"strings"
	"unicode"
)

// Fold makes the name of a person comparable: two spellings that differ in case, in
// spaces or in characters that print nothing are the same person. What stands before
// the @ is otherwise kept as it is: ana+soc@example.com is not ana@example.com.
func Fold(name string) string {
	text := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) { // zero-width joiners and the like
			return -1
		}
		return foldRune(r)
	}, name)
	return strings.Join(strings.Fields(text), " ")
}

// foldRune is the same for all letters that Unicode's simple folding takes as equal,
// such as k, K and the Kelvin sign.
func foldRune(r rune) rune {
	first := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		first = min(first, f)
	}
	return unicode.ToLower(first)
}
