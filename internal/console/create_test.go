package console

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func newUser(email string) NewUser {
	return NewUser{Email: email, FullName: "Ana Roy", Roles: atSites(access.HeldRole{RoleID: "5", ScopeID: "9"})}
}

func TestCreateUser(t *testing.T) {
	t.Parallel()
	f, last := recordConsole(t, user17)
	p, err := f.client(t).CreateUser(t.Context(), newUser("Ana@example.com"))
	require.NoError(t, err)
	require.Equal(t, "17", p.ID)
	require.Equal(t, `POST /users {"data":{"scope":"site","scopeRoles":[{"id":"9","roleId":"5"}],`+
		`"email":"Ana@example.com","fullName":"Ana Roy"}}`, last.text)

	tenant := newUser("ana@example.com")
	tenant.Roles = access.Holdings{Level: access.Tenant, Held: []access.HeldRole{{RoleID: "5"}}}
	_, err = f.client(t).CreateUser(t.Context(), tenant)
	require.NoError(t, err)
	require.Contains(t, last.text, `"scope":"tenant","scopeRoles":[{"roleId":"5"}]`)
}

var noEmails = []string{
	"", "ana", "ana@", "@example.com", "ana@example.com\n", " ana@example.com", "ana@@example.com",
	"ana..roy@example.com", "ana@example.com,bob@example.com", "Ana <ana@example.com>", "åna@example.com",
	"ana@example.", "ana roy@example.com",
}

func TestCreateUser_NotSent(t *testing.T) {
	t.Parallel()
	f, _ := recordConsole(t, user17)
	for _, email := range noEmails {
		_, err := f.client(t).CreateUser(t.Context(), newUser(email))
		require.EqualError(t, err, "POST /users: not sent: this is not an e-mail address that a console accepts")
	}
	nameless := newUser("ana@example.com")
	nameless.FullName = " "
	_, err := f.client(t).CreateUser(t.Context(), nameless)
	require.ErrorContains(t, err, "full name is empty")
	require.Zero(t, f.count())
}

func TestCreateUser_InvalidResponses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{}`: "no data", `{"data":{}}`: "the response has no id",
		`{"data":{"id":"17","email":"bob@example.com"}}`: "another e-mail",
	} {
		f, _ := recordConsole(t, body)
		p, err := f.client(t).CreateUser(t.Context(), newUser("ana@example.com"))
		require.ErrorContains(t, err, want)
		require.Equal(t, access.Principal{}, p)
		require.NotContains(t, allPrints(err), "@example")
	}
	f, _ := recordConsole(t, `{"data":{"id":"17","email":null}}`)
	p, err := f.client(t).CreateUser(t.Context(), newUser("ana@example.com"))
	require.NoError(t, err, "the address is nullable")
	require.Equal(t, "17", p.ID)
}

// An address that none of our patterns matches is removed from errors too.
func TestCreateUser_ErrorsHoldNoAddress(t *testing.T) {
	t.Parallel()
	const email = "o'ana=roy@example.com"
	for _, status := range []int{400, 409, 500} {
		body := `{"errors":[{"code":4000010,"title":"` + email + `","detail":"` + email + ` is taken"}]}`
		f := startConsole(t, respond(status, body))
		_, err := f.client(t).CreateUser(t.Context(), newUser(email))
		require.Equal(t, status, asError(t, err).Status)
		require.NotContains(t, allPrints(err), "ana")
		require.NotContains(t, allPrints(err), "example")
	}
}

func newService() NewServiceUser {
	return NewServiceUser{
		Name: "svc.example", Description: "integration", Roles: atSites(access.HeldRole{RoleID: admin, ScopeID: siteA}),
		TokenExpiresAt: time.Date(2027, 1, 2, 3, 4, 5, 678_901_234, time.FixedZone("", 7200)),
	}
}

func TestCreateServiceUser(t *testing.T) {
	t.Parallel()
	f, last := recordConsole(t, `{"data":`+serviceUserBody+`}`)
	p, token, err := f.client(t).CreateServiceUser(t.Context(), newService())
	require.NoError(t, err)
	require.Equal(t, wantServiceUser(), p)
	require.Equal(t, canary, token.Reveal())
	require.Equal(t, `POST /service-users {"data":{"scope":"site","scopeRoles":[{"id":"`+siteA+`","roleId":"`+admin+
		`"}],"name":"svc.example","description":"integration",`+
		`"expirationDate":"2027-01-02T01:04:05.678901Z"}}`, last.text)
	require.NotContains(t, allPrints(p), canary)
}

func TestCreateServiceUser_NotSent(t *testing.T) {
	t.Parallel()
	f, _ := recordConsole(t, `{"data":`+serviceUserBody+`}`)
	for want, change := range map[string]func(*NewServiceUser){
		"the name is empty or too long":   func(n *NewServiceUser) { n.Name = " " },
		"too long":                        func(n *NewServiceUser) { n.Name = strings.Repeat("å", 256) },
		"one of < > =":                    func(n *NewServiceUser) { n.Name = "a<b" },
		"description is longer than 255":  func(n *NewServiceUser) { n.Description = strings.Repeat("å", 256) },
		"the token has no expiry time":    func(n *NewServiceUser) { n.TokenExpiresAt = time.Time{} },
		"list of roles is empty: what a ": func(n *NewServiceUser) { n.Roles.Held = nil },
	} {
		in := newService()
		change(&in)
		_, token, err := f.client(t).CreateServiceUser(t.Context(), in)
		require.ErrorContains(t, err, want)
		require.Equal(t, KindNotSent, asError(t, err).Kind)
		require.Empty(t, token.Reveal())
	}
	require.Zero(t, f.count())
	longest := newService()
	longest.Name, longest.Description = strings.Repeat("å", 255), strings.Repeat("å", 255)
	_, _, err := f.client(t).CreateServiceUser(t.Context(), longest)
	require.NoError(t, err, "characters, not bytes")
}

func TestGenerateServiceUserToken(t *testing.T) {
	t.Parallel()
	later := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	f, last := recordConsole(t, `{"data":{"token":"CANARY-value","createdAt":"2026-01-01T00:00:00Z","expiresAt":null}}`)
	token, err := f.client(t).GenerateServiceUserToken(t.Context(), "17", later)
	require.NoError(t, err)
	require.Equal(t, canary, token.Reveal())
	require.Equal(t, "POST /service-users/17/generate-api-token "+
		`{"data":{"expirationDate":"2027-01-01T00:00:00.000000Z"}}`, last.text)
	_, err = f.client(t).GenerateServiceUserToken(t.Context(), "x", later)
	require.Equal(t, KindNotSent, asError(t, err).Kind)
	_, err = f.client(t).GenerateServiceUserToken(t.Context(), "17", time.Time{})
	require.ErrorContains(t, err, "the token has no expiry time")
	require.Equal(t, 1, f.count())

	for status, old := range map[int]bool{404: true, 405: true, 501: true, 400: false, 403: false, 409: false} {
		_, err := startConsole(t, respond(status, "")).client(t).GenerateServiceUserToken(t.Context(), "17", later)
		require.Equal(t, status, asError(t, err).Status)
		require.Equal(t, old, MayLackCall(err), "%d", status)
	}
	_, err = startConsole(t, respond(404, serviceUserGone)).client(t).GenerateServiceUserToken(t.Context(), "17", later)
	require.False(t, MayLackCall(err), "the console's own words")
}

// Only the Secret holds the token of a service user, and it is redacted in every print.
func TestServiceUserToken_IsNeverPrinted(t *testing.T) {
	t.Parallel()
	later := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for body, want := range map[string]string{
		`{"data":{"id":"17","apiToken":"CANARY-value"}}`:                                      "expected an object",
		`{"data":{"id":"17","token":["CANARY-value"],"apiToken":{"value":["CANARY-value"]}}}`: "expected a text",
		`{"data":{"apiToken":{"value":"CANARY-value"}}}`:                                      "no ",
		`{"data":{"id":"17","apiToken":{"value":"CANARY-value"}}`:                             "cut short",
		`{"data":{"id":"17","token":"CANARY-value"}`:                                          "cut short",
		`{"data":{"id":"17","apiToken":{"value":null},"token":null}}`:                         "token",
		`{"data":{"id":"17","apiToken":null}}`:                                                "token",
		`CANARY-value`:                                                                        "not JSON",
	} {
		f, _ := recordConsole(t, body)
		_, token, err := f.client(t).CreateServiceUser(t.Context(), newService())
		require.Empty(t, token.Reveal())
		require.ErrorContains(t, err, want, body)
		require.Equal(t, KindMalformed, asError(t, err).Kind)
		require.NotContains(t, allPrints(err), canary)
		token, err = f.client(t).GenerateServiceUserToken(t.Context(), "17", later)
		require.Error(t, err)
		require.Empty(t, token.Reveal())
		require.NotContains(t, allPrints(err), canary)
	}
	opaque := "280079207634042955XDyEBWFHQ5q9iiIpmLrRM9IsiCCdLS7vcbGF9y4y" // the example of the vendor
	f := startConsole(t, respond(500, `{"errors":[{"title":"x","detail":"made `+opaque+` and fell over"}]}`))
	_, err := f.client(t).GenerateServiceUserToken(t.Context(), "17", later)
	require.ErrorContains(t, err, "made [redacted] and fell over")
}

func TestSecret_IsRedacted(t *testing.T) {
	t.Parallel()
	secret := newSecret(canary)
	wrapped := struct {
		inside Secret
		Shown  Secret
	}{secret, secret}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(handler).Info("made", "secret", secret, "pointer", &secret, "wrapped", wrapped)
	}
	printed := log.String() + allPrints(secret) + allPrints(&secret) + allPrints(wrapped) + allPrints(&wrapped)
	require.NotContains(t, printed, canary)
	require.NotContains(t, printed, fmt.Sprintf("%x", canary))
	require.Equal(t, redacted, fmt.Sprint(secret))
	require.Equal(t, canary, secret.Reveal())
	require.Empty(t, Secret{}.Reveal())
	require.Equal(t, redacted, fmt.Sprintf("%+v", Secret{}))
}

func TestSelf(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]access.Principal{
		`{"id":"17","email":"ana@example.com","scope":"tenant"}`: {
			Kind: access.User, ID: "17", Email: "ana@example.com", Level: access.Tenant,
		},
		`{"id":"17","email":null,"fullName":"svc"}`: {Kind: access.User, ID: "17", Name: "svc"},
		`{"id":"17","name":"svc","scope":"site"}`: {
			Kind: access.ServiceUser, ID: "17", Name: "svc", Level: access.SiteLevel,
		},
		`{"id":"17"}`: {Kind: access.User, ID: "17"},
	} {
		f, last := recordConsole(t, `{"data":`+body+`}`)
		p, err := f.client(t).Self(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, p)
		require.Equal(t, "GET /user ", last.text)
	}
	for _, body := range []string{`{}`, `{"data":{}}`, `{"data":{"success":true}}`} {
		f, _ := recordConsole(t, body)
		_, err := f.client(t).Self(t.Context())
		require.Equal(t, KindMalformed, asError(t, err).Kind)
	}
}
