package access

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Named returns those of a list that a person means by the name they typed: those of exactly that name; else
// those of the name that the text quotes, as [Typable] writes it; else those whose name
// looks the same ([SameLabel]). names lists the names of one; it may have several.
func Named[T any](all []T, typed string, names func(T) []string) []T {
	pick := func(same func(name string) bool) (out []T) {
		for _, v := range all {
			if slices.ContainsFunc(names(v), same) {
				out = append(out, v)
			}
		}
		return out
	}
	spellings := Spellings(typed)
	for _, s := range spellings {
		if found := pick(func(name string) bool { return name == s }); len(found) > 0 {
			return found
		}
	}
	return pick(func(name string) bool { return SameLabel(name, spellings[len(spellings)-1]) })
}

// Spellings are the names that a typed text may stand for, the likeliest first: the text as it is, and the
// one that it quotes, with or without the quotes: "SOC ", SOC\u200b.
func Spellings(typed string) []string {
	out := []string{typed}
	text := strings.TrimSpace(typed)
	quoted := len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"'
	if !quoted && !strings.ContainsRune(text, '\\') {
		return out
	}
	if !quoted {
		text = `"` + strings.ReplaceAll(typed, `"`, `\"`) + `"`
	}
	if name, err := strconv.Unquote(text); err == nil {
		out = append(out, name)
	}
	return out
}

// Typable is a name as a message offers it: what a person can type, and the programs then take for this
// name. A name with blanks at its ends, or with characters that print nothing, is quoted.
func Typable(name string) string {
	if name == plainLabel(name) && strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 &&
		!strings.ContainsAny(name, `"\`) {
		return name
	}
	return Quoted(name)
}

// Quoted is a name in quotes, with escapes for what cannot be seen.
func Quoted(name string) string {
	var b strings.Builder
	for _, r := range strconv.Quote(name) {
		switch {
		case !Invisible(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
