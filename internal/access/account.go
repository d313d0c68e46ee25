package access

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// NewAccount is a user or service user that somebody asks for.
type NewAccount struct {
	Kind  Kind   `json:"kind"`
	Email string `json:"email,omitempty"` // of a user
	Name  string `json:"name"`            // full name of a user, name of a service user
	// Description and TokenExpiresAt, the end of the token that it is made with, are a
	// service user's.
	Description    string    `json:"description,omitempty"`
	TokenExpiresAt time.Time `json:"tokenExpiresAt,omitzero"`
}

// maxServiceUserText bounds a service user's name and its description, in characters:
// a console takes no more (POST /service-users).
const maxServiceUserText = 255

// Validate says what is wrong with it, all of it, apart from the time of the token.
func (a NewAccount) Validate() error {
	if a.Kind == ServiceUser {
		return errors.Join(validName(a.Name), validDescription(a.Description))
	}
	var faults []error
	if local, host, found := strings.Cut(a.Email, "@"); !found || local == "" || host == "" {
		faults = append(faults, fmt.Errorf("email is %q: give an address, as in \"ana@example.com\"", a.Email))
	}
	if strings.TrimSpace(a.Name) == "" {
		faults = append(faults, errors.New("fullName is missing: a console wants one"))
	}
	return errors.Join(faults...)
}

func validName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New("name is missing: say what the service user is to be called")
	case utf8.RuneCountInString(name) > maxServiceUserText:
		return fmt.Errorf("name has more than %d characters, which a console does not take", maxServiceUserText)
	case strings.ContainsAny(name, "<>="):
		return fmt.Errorf("name is %q: a console takes none of < > = in it", name)
	}
	return nil
}

func validDescription(text string) error {
	if utf8.RuneCountInString(text) > maxServiceUserText {
		return fmt.Errorf("description has more than %d characters, which a console does not take", maxServiceUserText)
	}
	return nil
}

// Ref is the account before it has an id.
func (a NewAccount) Ref() PrincipalRef {
	return PrincipalRef{Kind: a.Kind, Name: a.Name, Email: a.Email}
}

// TokenPlace says where the token of a service user was put, never the token.
type TokenPlace struct {
	Sink string `json:"sink"` // "file" or "command"
	// Path is of the file, in the folder that SERVICE_USER_TOKEN_DIR names.
	Path      string    `json:"path,omitempty"`
	ExpiresAt time.Time `json:"expiresAt"`
}
