package signing

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/sshtest"
)

// The text is the one in docs/signing.md; if it changed, signatures made before would be invalid.
func TestStatement_Canonical(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/statement")
	require.NoError(t, err)
	require.Equal(t, string(want), string(anApproval().Canonical()))
	doc, err := os.ReadFile("../../docs/signing.md")
	require.NoError(t, err)
	require.Contains(t, string(doc), string(want))

	request, err := json.Marshal(access.RequestSpec{
		Op: access.OpAcquire, Console: "acmeco.sentinelone.net",
		Principal: access.PrincipalSelector{Kind: access.User, Email: "ana@example.com"},
		Role:      access.RoleSelector{Name: "SOC"},
		Scope:     access.ScopeSelector{Level: access.SiteLevel, Name: "Acme / Berlin"},
		Terms: access.Terms{
			Requester: "bob@example.com", Reason: "INC-42", Duration: access.Duration(4 * time.Hour),
		},
	})
	require.NoError(t, err)
	require.Contains(t, string(doc), "\n"+string(request)+"\n")

	elsewhere := anApproval()
	elsewhere.At = noon.In(time.FixedZone("", 3600))
	require.Equal(t, string(want), string(elsewhere.Canonical()), "the same instant in another time zone")

	require.Equal(t, "sentinelone-provisioner statement 1\nkind: delegate\nrequest: grant/1\nrun: r\nplan: p\n"+
		"by: carol@example.com\n"+"to: bob@example.com\nuntil: 2026-03-03T14:05:00.25Z\nat: 2026-03-03T14:05:00Z\n",
		string(Statement{
			Kind: KindDelegate, Request: "grant/1", Run: "r", PlanHash: "p", By: carol, To: "bob@example.com",
			Until: noon.Add(250 * time.Millisecond), At: noon,
		}.Canonical()))
}

// Every field is in the text, and no value can look like another field.
func TestStatement_DifferentStatementsHaveDifferentTexts(t *testing.T) {
	t.Parallel()
	texts := map[string]string{string(anApproval().Canonical()): "unchanged"}
	add := func(what string, s Statement) {
		text := string(s.Canonical())
		require.Empty(t, texts[text], "%s is like %s", what, texts[text])
		texts[text] = what
	}
	for f := range reflect.TypeFor[Statement]().Fields() {
		s := anApproval()
		v := reflect.ValueOf(&s).Elem().FieldByIndex(f.Index)
		switch v.Interface().(type) {
		case string:
			for _, more := range []string{
				"x", " ", "\n", `\n`, "\r", "\\", "\x00", "\xff", "\u202e", "\nby: dave@example.com",
			} {
				s := anApproval()
				v := reflect.ValueOf(&s).Elem().FieldByIndex(f.Index)
				v.SetString(v.String() + more)
				add(f.Name+" and "+more, s)
				require.LessOrEqual(t, bytes.Count(s.Canonical(), []byte("\n")), 12)
			}
		case time.Time:
			v.Set(reflect.ValueOf(noon.Add(time.Nanosecond)))
			add(f.Name, s)
		case access.Duration:
			v.SetInt(v.Int() + 1)
			add(f.Name, s)
		default:
			require.Fail(t, "no case for the field", f.Name)
		}
	}
}

func FuzzStatement_ValuesStayOnTheirLine(f *testing.F) {
	f.Add("a\nb", "a\\nb")
	f.Add("\x00", `\x00`)
	f.Fuzz(func(t *testing.T, one, two string) {
		a, b := escape(one), escape(two)
		require.Equal(t, one == two, a == b)
		require.False(t, strings.ContainsFunc(a, func(r rune) bool { return r < ' ' || r == 0x7f }))
	})
}

// No text in one field makes a statement read like another one, whichever kind it is.
func FuzzStatement_FieldsStayApart(f *testing.F) {
	f.Add(0, 1, "bob@example.com", "bob@example.com\nby: dave@example.com")
	f.Add(7, 3, "", "\\n")
	f.Add(12, 5, "a\r", "a")
	f.Fuzz(func(t *testing.T, kind, field int, one, two string) {
		kinds := []string{
			KindRequest, KindApprove, KindDeny, KindDelegate, KindCancel, KindEnd, KindExtend, KindConfirm, KindDiscard,
		}
		var texts [][]byte
		for _, value := range []string{one, two} {
			s := anApproval()
			s.Kind = kinds[(kind%len(kinds)+len(kinds))%len(kinds)]
			v := reflect.ValueOf(&s).Elem()
			v = v.Field((field%v.NumField() + v.NumField()) % v.NumField())
			if v.Kind() != reflect.String {
				return
			}
			v.SetString(value)
			texts = append(texts, s.Canonical())
		}
		require.Equal(t, one == two, bytes.Equal(texts[0], texts[1]), "%q and %q", texts[0], texts[1])
	})
}

func TestStatement_Validate(t *testing.T) {
	t.Parallel()
	require.NoError(t, anApproval().Validate())
	hash := strings.Repeat("a", 64)
	request := Statement{Kind: KindRequest, Request: "grant/1", By: carol, RequestHash: hash, At: noon}
	require.NoError(t, request.Validate())
	delegation := Statement{
		Kind: KindDelegate, Request: "delegate/1", Console: "acmeco.sentinelone.net", By: carol, To: "bob@example.com",
		Until: noon, At: noon,
	}
	require.NoError(t, delegation.Validate(), "a delegation needs no plan")
	delegation.Until, delegation.Duration = time.Time{}, access.Duration(time.Hour)
	require.NoError(t, delegation.Validate())
	for want, change := range map[string]func(*Statement){
		"has no valid kind":          func(s *Statement) { s.Kind = "approve\n" },
		"does not name the request":  func(s *Statement) { s.Request = "" },
		"does not name the run":      func(s *Statement) { s.Run = "" },
		"has no hash of the plan":    func(s *Statement) { s.PlanHash = "x" },
		"does not name the person":   func(s *Statement) { s.By = " " },
		"has no time of signing":     func(s *Statement) { s.At = time.Time{} },
		"has no hash of the request": func(s *Statement) { s.Kind = KindRequest },
		"needs a delegate":           func(s *Statement) { s.Kind = KindDelegate },
		"does not name the console":  func(s *Statement) { s.Kind = KindDelegate },
		"an end or a duration": func(s *Statement) {
			s.Kind, s.Console, s.To, s.Duration = KindDelegate, "acmeco.sentinelone.net", "bob@example.com", 0
		},
	} {
		s := anApproval()
		change(&s)
		require.ErrorContains(t, s.Validate(), want)
		_, err := load(t, carol+" "+sshtest.New(t).Public()).Verify(s, "", noon)
		require.ErrorContains(t, err, want)
		_, err = Sign(t.Context(), sshtest.New(t), s)
		require.ErrorContains(t, err, want)
	}
}

func TestStatement_CheckAge(t *testing.T) {
	t.Parallel()
	s := anApproval()
	require.NoError(t, s.CheckAge(noon))
	require.NoError(t, s.CheckAge(noon.Add(MaxAge)))
	require.NoError(t, s.CheckAge(noon.Add(-MaxAhead)))
	require.ErrorContains(t, s.CheckAge(noon.Add(MaxAge+1)), "more than 1h before it arrived: sign again")
	require.ErrorContains(t, s.CheckAge(noon.Add(-MaxAhead-1)), "in the future")
}
