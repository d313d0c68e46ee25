package inspect

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sentinelone-provisioner/internal/console"
)

// plainRefusal is the title of a 403 without further information.
const plainRefusal = "Insufficient permissions"

// MissingError names every permission that the token's role lacks. It quotes what the
// console adds to a refusal: the cause may be the token's scope instead of its role.
type MissingError struct {
	Permissions []string // as in the console's role editor: "Users.view"
	causes      []error  // the console's answers, one per permission
}

// Error implements error.
func (e *MissingError) Error() string {
	them, these := "them", "these collections"
	if len(e.Permissions) == 1 {
		them, these = "it", "this collection"
	}
	return fmt.Sprintf("the token's role lacks %s: add %s to the role of the token's owner, or leave %s out%s",
		enumerate(e.Permissions), them, these, e.remarks())
}

// Unwrap returns the console's answers, one per permission.
func (e *MissingError) Unwrap() []error { return e.causes }

// remarks quotes each text of the console once, with the permissions it is about; "" if
// the console gave no text.
func (e *MissingError) remarks() string {
	var texts []string
	of := map[string][]string{}
	for i, cause := range e.causes {
		text := ownWords(cause)
		if text == "" {
			continue
		}
		if of[text] == nil {
			texts = append(texts, text)
		}
		of[text] = append(of[text], e.Permissions[i])
	}
	var b strings.Builder
	for _, text := range texts {
		fmt.Fprintf(&b, "; the console says about %s: %s", enumerate(of[text]), text)
	}
	return b.String()
}

// ownWords returns the text of an answer beyond [plainRefusal].
func ownWords(err error) string {
	answer, ok := errors.AsType[*console.Error](err)
	if !ok {
		return ""
	}
	var words []string
	for _, text := range []string{answer.Title, answer.Detail} {
		text = strings.TrimSuffix(text, ".")
		if text != "" && !strings.EqualFold(text, plainRefusal) {
			words = append(words, text)
		}
	}
	return strings.Join(words, ", ")
}

// lacksPermission reports whether the console itself refused a call. A 403 with a web
// page comes from a proxy, which does not know the role.
func lacksPermission(err error) bool {
	answer, ok := errors.AsType[*console.Error](err)
	return ok && answer.Status == http.StatusForbidden && !answer.HTML && !answer.WrongScope()
}

func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
