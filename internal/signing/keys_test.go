package signing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// TestKeys_MaySignFor is about a file in which one key stands on several lines.
func TestKeys_MaySignFor(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	key, other := b.keys[carol].Public(), b.keys[dave].Public()
	keys, err := load(t, carol+" "+key+"\n"+
		"dave@example.com,*@soc.example.com,!erin@soc.example.com "+key+"\n"+
		`frank@example.com valid-before="20260301Z" `+key+"\n"+
		`gina@example.com valid-after="20260401Z" `+key+"\n"+
		`heidi@example.com namespaces="git" `+key+"\n"+
		"ivan@example.com "+other+"\n").Keys()
	require.NoError(t, err)
	march := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	may := func(name string) bool { return keys.MaySignFor(b.fingerprint(carol), name, march) }
	for _, name := range []string{
		carol, dave, "x@soc.example.com", "DAVE@example.com", "dave@example.com.", "Dave <dave@example.com>",
		"frank@example.com", // until the first of March: it is that person's key still
	} {
		require.True(t, may(name), name)
	}
	for _, name := range []string{
		bob, "ivan@example.com", "erin@soc.example.com", "Erin@SOC.example.com", "heidi@example.com",
		"gina@example.com", "",
	} {
		require.False(t, may(name), name)
	}
	require.True(t, keys.MaySignFor(b.fingerprint(carol), "gina@example.com", march.AddDate(0, 1, 0)))
	require.False(t, keys.MaySignFor("SHA256:unknown", carol, march))
	require.False(t, keys.MaySignFor("", carol, march))
}

// TestVerifyReceipt_SecondKeyIsTheSamePerson has one person sign twice, with a second key
// that another line lists for them too.
func TestVerifyReceipt_SecondKeyIsTheSamePerson(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	r := b.grantReceipt(t)
	b.addDecision(t, &r, carol, access.Decision{})
	b.addDecision(t, &r, dave, access.Decision{Step: 1})
	r = r.Seal()
	line := func(names, who string) string { return names + " " + b.keys[who].Public() + "\n" }
	for name, c := range map[string]struct{ file, want string }{
		"each their own": {line(bob, bob) + line(carol, carol) + line(dave, dave), ""},
		"wildcard for the second key": {
			line(bob, bob) + line(carol, carol) + line("*@example.com,!bob@example.com,!ana@example.com", dave),
			"approval, step 2: 0 of 1 from owners; not counted: dave@example.com cannot count besides " +
				"carol@example.com, who approved it: key " + b.fingerprint(dave) +
				" may also sign for carol@example.com, and one key is one person",
		},
		"another line for the first key": {
			line(bob, bob) + line(carol, carol) + line(dave, dave) + line(dave, carol),
			"key " + b.fingerprint(carol) + " may also sign for dave@example.com",
		},
		"the requester's key": {
			line(bob+",Dave@Example.com", bob) + line(carol, carol) + line(dave, dave),
			"dave@example.com cannot count besides bob@example.com, who requested it",
		},
		"the recipient's": {
			line(bob, bob) + line(carol, carol) + line("dave@example.com,"+r.Plan.Principal.Email, dave),
			"who is the recipient",
		},
	} {
		got := failedChecks(t, r, load(t, c.file))
		if c.want == "" {
			require.Empty(t, got, name)
			continue
		}
		require.Len(t, got, 1, name)
		require.Contains(t, got[0], c.want, name)
	}
}
