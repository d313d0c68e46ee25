package applyfile

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"sentinelone-provisioner/internal/access"
)

const (
	plainHead = "action,kind,principal,role,level,scope,duration,reason,id,breakGlass"
	plainLine = "grant,user,ana@example.com,SOC,site,Berlin,4h,,,"
)

// Rows of empty cells, as spreadsheets leave them, are passed over wherever they are.
func TestRead_PassesOverEmptyRows(t *testing.T) {
	t.Parallel()
	want, err := readText(t, plainHead+"\n"+plainLine)
	require.NoError(t, err)
	for name, text := range map[string]string{
		"behind":         plainHead + "\n" + plainLine + "\n,,,,,,,,,\n,,,,,,,,,\n",
		"quoted":         plainHead + "\n" + plainLine + "\n" + `"","","","","","","","","",""` + "\n",
		"blanks":         plainHead + "\n" + plainLine + "\n , ,\t,\u00a0,,,,,,\ufeff\n",
		"CRLF":           plainHead + "\r\n" + plainLine + "\r\n,,,,,,,,,\r\n",
		"CR":             plainHead + "\r" + plainLine + "\r,,,,,,,,,\r",
		"fewer cells":    plainHead + "\n" + plainLine + "\n,,\n",
		"more cells":     plainHead + "\n" + plainLine + "\n,,,,,,,,,,,,,,\n",
		"more at an end": plainHead + "\n" + plainLine + ",,,\n",
		"empty columns":  plainHead + ",,\n" + plainLine + ",,\n,,,,,,,,,,,\n",
		"semicolons":     strings.ReplaceAll(plainHead+"\n"+plainLine+"\n,,,,,,,,,\n", ",", ";"),
		"tabs":           strings.ReplaceAll(plainHead+"\n"+plainLine+"\n,,,,,,,,,\n", ",", "\t"),
	} {
		got, err := readText(t, text)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	for name, text := range map[string]string{
		"before the header": ",,,\n,,,\n" + plainHead + "\n" + plainLine,
		"before":            plainHead + "\n,,,,,,,,,\n\n" + plainLine,
	} {
		got, err := readText(t, text)
		require.NoError(t, err, name)
		require.Len(t, got, 1)
		require.Equal(t, 1+strings.Count(strings.TrimSuffix(text, plainLine), "\n"), got[0].Line, name)
		require.Equal(t, want[0].ID, got[0].ID, name)
	}
	got, err := readText(t, `[{},{"action":""},{"action":" ","role":""},`+
		`{"action":"grant","principal":"ana@example.com","role":"SOC",`+
		`"scope":"Berlin","level":"site","duration":"4h"}]`)
	require.NoError(t, err)
	require.Len(t, got, 1)
	_, err = readText(t, plainHead+",\n"+plainLine+",what is this\n")
	require.EqualError(t, err, `line 2: column 11 has "what is this" and no name: name it in the header, or empty it`)
}

// A file in another encoding is refused as a whole, with the line and what to save it as.
func TestRead_OtherEncodings(t *testing.T) {
	t.Parallel()
	text := plainHead + "\n" + plainLine + "\n" + "grant,serviceUser,Müller,SOC,site,Berlin,4h,,,\n" + plainLine + "\n"
	windows, err := charmap.Windows1252.NewEncoder().String(text)
	require.NoError(t, err)
	mac, err := charmap.Macintosh.NewEncoder().String(strings.ReplaceAll(text, "\n", "\r"))
	require.NoError(t, err)
	iso, err := charmap.ISO8859_15.NewEncoder().String(strings.ReplaceAll(text, "ü", "€"))
	require.NoError(t, err)
	for name, c := range map[string]struct{ text, want string }{
		"Windows-1252": {windows, `line 3: byte 0xFC is not UTF-8 ("Müller" in Windows-1252, `},
		"Mac Roman":    {mac, `line 3: byte 0x9F is not UTF-8 (`},
		"Mac letters":  {mac, `"Müller" in Mac Roman)`},
		"ISO-8859-15":  {iso, `line 3: byte 0xA4 is not UTF-8`},
		"UTF-16LE":     {utf16Text(binary.LittleEndian, "\ufeff"+text), `line 1: the file is in UTF-16 ("Uni`},
		"UTF-16BE":     {utf16Text(binary.BigEndian, "\ufeff"+text), `line 1: the file is in UTF-16`},
		"no mark":      {utf16Text(binary.LittleEndian, text), `line 1: the file is in UTF-16`},
		"UTF-32":       {"\xff\xfe\x00\x00" + "a\x00\x00\x00", "line 1: the file is in UTF-32"},
		"lost already": {strings.ReplaceAll(text, "ü", "\ufffd"), `line 3: "M�ller" has the character �`},
		"NUL":          {strings.ReplaceAll(text, "ü", "\x00"), `line 3: "M\x00ller" has a NUL character`},
		"cut short":    {text + "grant,user,M\xc3", `line 5: byte 0xC3 is not UTF-8`},
		"JSON":         {"[\n{\"principal\":\"M\xfcller\"}]", `line 2: byte 0xFC is not UTF-8`},
	} {
		got, err := readText(t, c.text)
		require.ErrorContains(t, err, c.want, name)
		require.ErrorContains(t, err, `save the file as UTF-8`, name)
		require.ErrorContains(t, err, `Excel: "CSV UTF-8 (Comma delimited)"`, name)
		require.ErrorContains(t, err, `nothing was started`, name)
		require.Empty(t, got, name)
	}
	for _, mark := range []string{bom, bom + bom} {
		got, err := readText(t, mark+text)
		require.ErrorContains(t, err, "line 4: same request as line 2")
		require.Len(t, got, 2)
		require.Equal(t, "Müller", got[1].Want.Principal.Name)
	}
}

func utf16Text(order binary.AppendByteOrder, text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

// Words of a fixed set count in any case, with blanks around, in CSV and in JSON.
func TestRead_FixedWordsAreFolded(t *testing.T) {
	t.Parallel()
	want, err := readText(t, plainHead+"\n"+"grant,serviceUser,svc.backup,SOC,tenant,tenant,4h,INC-1,,yes")
	require.NoError(t, err)
	for _, line := range []string{
		"Grant,ServiceUser,svc.backup,SOC,Tenant,Tenant,4H,INC-1,,YES",
		" GRANT , Service User , svc.backup , SOC , TENANT , TENANT , 4 h , INC-1 , , Yes ",
		"grant\u00a0,\u00a0service-user,svc.backup,SOC,\ufefftenant,\u200btenant,4h\t,INC-1,,TRUE",
		"grant,service_user,svc.backup,SOC,tenant,Tenant,240M,INC-1,,True",
		"grant,SERVİCE USER,svc.backup,SOC,tenant,tenant,4h,INC-1,,yes", // UPPER and LOWER of a spreadsheet in Turkish
		"grant,servıceUser,svc.backup,SOC,tenant,tenant,4h,INC-1,,yes",
		"ｇｒａｎｔ,ＳＥＲＶＩＣＥＵＳＥＲ,svc.backup,SOC,ｔｅｎａｎｔ,tenant,４h,INC-1,,ｙｅｓ",
	} {
		got, err := readText(t, strings.ToUpper(plainHead)+"\n"+line)
		require.NoError(t, err, line)
		require.Equal(t, want[0].Want, got[0].Want, line)
		require.Equal(t, want[0].ID, got[0].ID, line)
	}
	got, err := readText(t, `{" Action":0}`)
	require.Error(t, err)
	require.Empty(t, got)
	got, err = readText(t, `{"action":" Grant ","kind":"Service User","principal":"svc.backup","role":"SOC",`+
		`"level":" TENANT ","scope":"Tenant","duration":" 4H ","reason":"INC-1","breakGlass":" YES "}`)
	require.NoError(t, err)
	require.Equal(t, want[0].ID, got[0].ID)
	for head, text := range map[string]string{
		" Action ,KIND,Principal,role,LEVEL,Scope,duration,reason,ID,Break Glass": plainLine,
		"action,kind,principal,role,level,scope,duration,reason,id,break-glass":   plainLine,
	} {
		got, err := readText(t, head+"\n"+text)
		require.NoError(t, err)
		require.Len(t, got, 1)
	}
	got, err = readText(t, plainHead+"\nREVOKE,USER,ana@example.com,SOC,Site,Berlin,,,,NO")
	require.NoError(t, err)
	require.Equal(t, access.SiteLevel, got[0].Revoke().Scope.Level)
}

// An address in another case, or with what a mail program writes around it, is the same person's: the
// line is the same request, and lines of one person keep their order.
func TestRead_AddressInAnotherCase(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"Ana@Example.com", "ANA@EXAMPLE.COM", " ana@example.com\u200b", "ａna@example.com",
	} {
		line := strings.Replace(plainLine, "ana@example.com", address, 1)
		got, err := readText(t, plainHead+"\n"+plainLine+"\n"+line)
		require.EqualError(t, err,
			"line 3: same request as line 2: remove one, or give each an id of its own", address)
		require.Len(t, got, 1)
		other, err := readText(t, plainHead+"\n"+line)
		require.NoError(t, err)
		require.Equal(t, got[0].ID, other[0].ID, "another file, too")
		require.Equal(t, got[0].PrincipalKey(), other[0].PrincipalKey())
		require.True(t, other[0].matches(access.Plan{
			Op: access.OpAcquire, Principal: access.PrincipalRef{Kind: access.User, ID: "9", Email: "ana@example.com"},
			Role: access.RoleRef{Name: "SOC"}, Scope: access.ScopeRef{Level: access.SiteLevel, Name: "Acme / Berlin"},
			Terms: access.Terms{Duration: *other[0].Want.Duration},
		}))
	}
}

// A name whose accents are characters of their own, as macOS writes them, is the same name.
func TestRead_AccentsOfTheirOwn(t *testing.T) {
	t.Parallel()
	const head = "action,kind,principal,role,level,scope\n"
	for _, line := range []string{
		"grant,user,ana@example.com,SOC,site,M\u00fcnchen", "grant,user,ana@example.com,S\u00f6C,site,Berlin",
		"grant,serviceUser,J\u00f6rg,SOC,site,Berlin", "grant,user,ana@example.com,SOC,site,M\u00fcnchen;K\u00f6ln",
	} {
		apart := norm.NFD.String(line)
		require.NotEqual(t, line, apart)
		got, err := readText(t, head+line+"\n"+apart)
		require.ErrorContains(t, err, "line 3: same request as line 2", line)
		require.Len(t, got, 1)
		moved, err := readText(t, head+apart)
		require.NoError(t, err)
		require.Equal(t, got[0].ID, moved[0].ID)
	}
}
