package inspect

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sentinelone-provisioner/internal/console"
)

// plainRefusal is the title of a 403 that says nothing but that it is one.
const plainRefusal = "Insufficient permissions"

// MissingError names every permission that the token's role lacks. What the
// console says about a refusal in words of its own follows in its words: it may
// be the scope of the token that is in the way, and not its role.
type MissingError struct {
	Permissions []string
	causes      []error // the console's answers, one per permission
}

// Error implements error.
func (e *MissingError) Error() string {
	them, these := "them", "these collections"
	if len(e.Permissions) == 1 {
		them, these = "it", "this collection"
	}
	return fmt.Sprintf("the token's role lacks %s: give %s to the role of the token's owner, or leave %s out%s",
		enumerate(e.Permissions), them, these, e.remarks())
}

// Unwrap gives access to the console's answers.
func (e *MissingError) Unwrap() []error { return e.causes }

// remarks has each text of the console once, behind the permissions it was given
// for; "" where the console only refused.
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
		fmt.Fprintf(&b, "; the console says of %s: %s", enumerate(of[text]), text)
	}
	return b.String()
}

// ownWords is what an answer says beyond [plainRefusal].
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

// lacksPermission says that the console itself refused a call. A web page with
// 403 is a proxy's, which knows nothing of the role.
func lacksPermission(err error) bool {
	answer, ok := errors.AsType[*console.Error](err)
	return ok && answer.Status == http.StatusForbidden && !answer.HTML
}

func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
