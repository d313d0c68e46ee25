package access

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// NewAccount describes a requested user or service user before it exists.
type NewAccount struct {
	Kind  Kind   `json:"kind"`
	Email string `json:"email,omitempty"` // of a user
	Name  string `json:"name"`            // full name of a user, name of a service user
	// Description and TokenExpiresAt are set for service users only; the latter is when the
	// API token that is created with it expires.
	Description    string    `json:"description,omitempty"`
	TokenExpiresAt time.Time `json:"tokenExpiresAt,omitzero"`
}

// maxServiceUserText is the longest name and description of a service user, in characters,
// that a console accepts (POST /service-users).
const maxServiceUserText = 255

// Validate returns all faults, joined, except those of TokenExpiresAt; nil if there is
// none.
func (a NewAccount) Validate() error {
	if a.Kind == ServiceUser {
		return errors.Join(validName(a.Name), validDescription(a.Description))
	}
	var faults []error
	if local, host, found := strings.Cut(a.Email, "@"); !found || local == "" || host == "" {
		faults = append(faults, fmt.Errorf("email is %q: give an address, as in \"ana@example.com\"", a.Email))
	}
	if strings.TrimSpace(a.Name) == "" {
		faults = append(faults, errors.New("fullName is missing: the console requires one"))
	}
	return errors.Join(faults...)
}

// Limits returns which texts of the account are too long, and whether its address is none
// of a person; nil if all are fit.
func (a NewAccount) Limits() error {
	faults := []error{Length("name", a.Name, MaxNameBytes), Length("description", a.Description, MaxReasonBytes)}
	if a.Email != "" {
		faults = append(faults, ValidPerson("email", a.Email))
	}
	return errors.Join(faults...)
}

func validName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New("name is missing: give the service user a name")
	case utf8.RuneCountInString(name) > maxServiceUserText:
		return fmt.Errorf("name is longer than the %d characters that a console accepts: shorten it",
			maxServiceUserText)
	case strings.ContainsAny(name, "<>="):
		return fmt.Errorf("name is %q: a console rejects < > = in it, so leave them out", name)
	}
	return nil
}

func validDescription(text string) error {
	if utf8.RuneCountInString(text) > maxServiceUserText {
		return fmt.Errorf("description is longer than the %d characters that a console accepts: shorten it",
			maxServiceUserText)
	}
	return nil
}

// Ref is a reference to the account, still without an id.
func (a NewAccount) Ref() PrincipalRef {
	return PrincipalRef{Kind: a.Kind, Name: a.Name, Email: a.Email}
}

// TokenPlace says where the token of a service user was stored. It never holds the token in clear.
type TokenPlace struct {
	Sink string `json:"sink"` // "file" or "command", [SinkRecipient] or [SinkOwnFile]
	// Path is the file, in the folder SERVICE_USER_TOKEN_DIR; "" for the others.
	Path      string    `json:"path,omitempty"`
	ExpiresAt time.Time `json:"expiresAt"`
	// Sealed is the token, encrypted to the recipient that the request names, as package tokenseal writes it.
	// It is set for [SinkRecipient] only.
	Sealed string `json:"sealed,omitempty"`
}
