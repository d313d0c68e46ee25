package access

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold makes the name of a person comparable: two spellings that differ in case, in
// spaces, in characters that print nothing or control a terminal, in the way that Unicode
// composes or styles letters (NFKC), or in dots at the end are the same person. So are
// bob@example.com, mailto:bob@example.com and Bob <bob@example.com>, and both ways to write the host of
// an address (Punycode). What stands before
// the @ is otherwise kept as it is: ana+soc@example.com is not ana@example.com.
//
// It depends on its argument alone, and Fold of a result is that result. It takes every
// text, also one that [ValidPerson] refuses: such names are on record.
func Fold(name string) string {
	if isFolded(name) {
		return name
	}
	text := name
	for range maxFolds {
		next := foldOnce(text)
		if next == text {
			break
		}
		text = next
	}
	return text
}

// maxFolds bounds the passes of [Fold]. Three are enough for every character alone: each
// pass may make letters that the next one folds.
const maxFolds = 16

// isFolded knows at a glance almost all names that there are: addresses in lower case.
func isFolded(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || 'A' <= c && c <= 'Z' || c == ':' || c == '>' {
			return false
		}
	}
	return !strings.HasSuffix(name, ".") && !strings.Contains(name, acePrefix)
}

func foldOnce(name string) string {
	text := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case Invisible(r) || unicode.IsControl(r):
			return -1
		case r == '\u3002': // the ideographic full stop is a dot in host names
			return '.'
		}
		return foldRune(r)
	}, norm.NFKD.String(name)) // letters and their marks apart, so that each folds by itself
	text = norm.NFKC.String(strings.ReplaceAll(text, "i\u0307", "i")) // a Turkish İ is an i
	text = strings.Join(strings.Fields(text), " ")
	return strings.TrimRight(unicodeHost(bareAddress(text)), ". ")
}

// bareAddress drops what mail programs write around an address.
func bareAddress(text string) string {
	if i := strings.LastIndexByte(text, '<'); i >= 0 && strings.HasSuffix(text, ">") {
		if inner := strings.Trim(text[i:], "<> "); strings.Contains(inner, "@") {
			text = inner
		}
	}
	for strings.HasPrefix(text, mailto) {
		text, _, _ = strings.Cut(strings.TrimSpace(text[len(mailto):]), "?")
	}
	return text
}

const mailto = "mailto:"

// FoldLabel makes the name of a thing comparable, such as a role or a site: it ignores
// case, spaces and characters that print nothing. Unlike [Fold] it tells apart names that
// differ in dots and brackets, since a console may have both.
func FoldLabel(name string) string {
	text := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) { // zero-width joiners and the like
			return -1
		}
		return r
	}, name)
	// An accent may be a character of its own, as macOS writes it, also behind one that prints nothing.
	text = strings.Map(foldRune, norm.NFC.String(text))
	return strings.Join(strings.Fields(text), " ")
}

// SameLabel says that two names of things look the same in a message: they differ in blanks around
// them or in a row, in the kind of the blanks, in characters that print nothing, or in whether an accent is a character
// of its own, as macOS writes it. Who is offered
// one of them types the other. Unlike [FoldLabel] it minds case: a console may have both.
func SameLabel(a, b string) bool { return a == b || composedLabel(a) == composedLabel(b) }

func composedLabel(name string) string { return norm.NFC.String(plainLabel(name)) }

func plainLabel(name string) string {
	text := strings.Map(func(r rune) rune {
		if Invisible(r) {
			return -1
		}
		return r
	}, name)
	return strings.Join(strings.Fields(text), " ")
}

// Labelled keeps of values those with exactly that name; without one, those that [SameLabel] takes
// for it.
func Labelled[T any](values []T, name string, nameOf func(T) string) []T {
	exact, same := []T{}, []T{}
	for _, v := range values {
		switch of := nameOf(v); {
		case of == name:
			exact = append(exact, v)
		case SameLabel(of, name):
			same = append(same, v)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return same
}

// foldRune is the same for all letters that Unicode's simple folding takes as equal,
// such as k, K and the Kelvin sign.
func foldRune(r rune) rune {
	first := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		first = min(first, f)
	}
	if first == '\u0345' { // a combining mark: the iota is the letter
		return 'ι'
	}
	return unicode.ToLower(first)
}

// Invisible says whether a character prints nothing where it stands: Unicode's
// Default_Ignorable_Code_Point, all of its format characters, which change the direction
// of writing or join letters, and the letters and symbols that are blank. White space and
// control characters are not among them.
func Invisible(r rune) bool {
	switch r {
	case '\u2800', // braille blank
		'\U00016fe4', // Khitan filler
		'\U0001d159': // null note head
		return true
	}
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
