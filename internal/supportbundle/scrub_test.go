package supportbundle

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScrubber_Secrets(t *testing.T) {
	t.Parallel()
	s := NewScrubber(true)
	s.AddSecret("p@ss word/1")
	for _, text := range []string{
		"x p@ss word/1 y", "x p%40ss+word%2F1 y", "postgres://u:hunter2@db.example.com/x",
		"Authorization: ApiToken abcdef",
		"password=hunter2 x", `"token": "hunter2"`, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----", "whsec_hunter2",
		"postgres://u:P@hunter2!@127.0.0.1/db", "k1:" + strings.Repeat("hunter2A", 6) + "=",
	} {
		got := s.Secrets(text)
		for _, leak := range []string{"hunter2", "p@ss", "p%40ss", "abcdef", "eyJ"} {
			require.NotContains(t, got, leak, text)
		}
	}
	s.AddURL("postgres://u:P@ss%20w0rd!@127.0.0.1:1/db")
	s.AddSecret("id1:c2VjcmV0\n")
	for _, text := range []string{"x P@ss%20w0rd! y", "x P@ss w0rd! y", "key c2VjcmV0"} {
		require.Contains(t, s.Secrets(text), secret)
		require.NotRegexp(t, "w0rd|c2Vj", s.Secrets(text))
	}
	require.Equal(t, "nothing to hide", s.Secrets("nothing to hide"))
}

func TestScrubber_Names(t *testing.T) {
	t.Parallel()
	s := NewScrubber(false)
	for _, name := range []string{"Zoë Müller", "Acme / Berlin", "svc.backup", "東京"} {
		s.AddName(name)
	}
	for _, c := range [][2]string{
		{"grant for zoë  müller failed", "grant for [name 1] failed"},
		{"site Acme / Berlin (201)", "site [name 2] (201)"},
		{"svc.backup, 東京", "[host 3], [name 4]"},
		{"ana@example.com at db.example.com:54", "[e-mail 5] at [host 6]"},
		{`no role "Keeper of keys" here`, "no role [name] here"},
		{"open /home/ana/policy.yaml: denied", "open [path]: denied"},
		{"unknown; did you mean Ana?", "unknown; "},
		{"Acme is not Acme / Berlin", "Acme is not [name 2]"},
		{"the role lacks Service Users.view", "the role lacks Service Users.view"},
	} {
		require.Equal(t, c[1], s.Text(c[0]), c[0])
	}
	require.Equal(t, s.Text("Zoë Müller"), s.Text("ZOË MÜLLER"), "the same name has the same number")
}

// Every host of a setting is a name, also one without a domain, and one of several.
func TestScrubber_Hosts(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{
		"postgres://u:hunter2@alpha:5432,beta,[fd00::7]:5432,localhost:1/db?sslmode=disable",
		"postgres:///db?host=alpha,beta,localhost,fd00::7", "postgres://alpha/db?x=%zz&host=beta,fd00::7",
		"alpha:7233,beta:7233,[fd00::7]", "postgres://u:1@2@alpha,beta:1,[fd00::7]:2/db",
	} {
		s := NewScrubber(false)
		s.AddHost(setting)
		require.Equal(t, "server [name 1]:5432, [name 2]:5432, [[name 3]]:1 on localhost",
			s.Text("server alpha:5432, BETA:5432, [fd00::7]:1 on localhost"), setting)
	}
}

func TestScrubber_JSON(t *testing.T) {
	t.Parallel()
	value := map[string]any{
		"id": "grant/INC-42", "principal": map[string]any{"email": "ana@example.com", "id": "401"}, "n": 7,
		"askedAt": "2026-03-03T09:00:00Z", "reason": "because of Ana", "again": "",
	}
	got, err := NewScrubber(false).JSON(value, "id")
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"grant/INC-42","principal":{"email":"[removed]","id":"401"},"n":7,
		"askedAt":"2026-03-03T09:00:00Z","reason":"[removed]","again":""}`, string(got))
}

func TestScrubber_TailOfVeryLongLines(t *testing.T) {
	t.Parallel()
	s := NewScrubber(true)
	got, err := s.Tail(strings.NewReader("first\n" + strings.Repeat("x ", maxLine) + "\nlast"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(got, "first\nx x") && strings.HasSuffix(got, "\nlast\n"))
	require.LessOrEqual(t, len(got), maxLine+20)
}
