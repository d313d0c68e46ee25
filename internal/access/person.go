package access

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits on the length of texts from outside, in bytes. Whoever takes such a text checks
// it before anything is recorded, since a history and a ledger keep it for good.
const (
	MaxPersonBytes    = 320      // the name of a person: the longest e-mail address
	MaxNameBytes      = 2 << 10  // a name on the console, of a principal, role or scope
	MaxIDBytes        = 100      // an id on the console, or a hash
	MaxReasonBytes    = 4 << 10  // a reason or a comment
	MaxSignatureBytes = 16 << 10 // an SSH signature
	MaxConsoleBytes   = 300      // host and port of a console: the longest host name is 253
	MaxWorkflowBytes  = 1000     // a workflow id: Temporal's own limit
)

// Length says that a text is longer than limit, in bytes; nil if it is not. The field names
// the text, as in "reason".
func Length(field, text string, limit int) error {
	if len(text) <= limit {
		return nil
	}
	return fmt.Errorf("%s is %d bytes long, and the limit is %d: shorten it", field, len(text), limit)
}

// ValidPerson says why a text cannot be the name of a person, and what to write; nil if it
// can. The field names it, as in "by". Names that it refuses may be on record: [Fold]
// compares those too.
func ValidPerson(field, name string) error {
	const advice = "write an address, as in carol@example.com"
	if len(name) > MaxPersonBytes {
		return fmt.Errorf("%s is %d bytes long, and the limit is %d: %s", field, len(name), MaxPersonBytes, advice)
	}
	if Fold(name) == "" {
		return fmt.Errorf("%s is missing: %s", field, advice)
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("%s is not valid UTF-8: %s", field, advice)
	}
	if i := strings.IndexFunc(name, unfitForPerson); i >= 0 {
		r, _ := utf8.DecodeRuneInString(name[i:])
		return fmt.Errorf("%s contains U+%04X, a control character or one that prints nothing: %s", field, r, advice)
	}
	// Whatever else mail programs take for the same address, such as comments and quotes.
	if odd := strings.ContainsAny(name, `<>()[]",;:\`); odd && strings.Contains(name, "@") {
		return fmt.Errorf("%s is %q: write the address alone, as in carol@example.com", field, name)
	}
	return nil
}

// Names are those by which people know a principal: e-mail address, full name or name of a
// service user, and id; without those that it does not have.
func (r PrincipalRef) Names() []string {
	return slices.DeleteFunc([]string{r.Email, r.Name, r.ID}, func(n string) bool { return Fold(n) == "" })
}

// Is says whether a person is the principal, by any of its names; see [Fold].
func (r PrincipalRef) Is(person string) bool {
	who := Fold(person)
	return slices.ContainsFunc(r.Names(), func(n string) bool { return Fold(n) == who })
}

// unfitForPerson says that a character shows nothing, or is a blank that is not a space.
func unfitForPerson(r rune) bool { return Invisible(r) || !unicode.IsPrint(r) }
