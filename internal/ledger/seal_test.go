package ledger_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// keyOfSeed is a key that is the same in each run.
func keyOfSeed(seed string) *ledger.SealKey {
	sum := sha256.Sum256([]byte(seed))
	return ledger.NewSealKey(ed25519.NewKeyFromSeed(sum[:]))
}

// sealer builds a sealed chain.
type sealer struct {
	t    *testing.T
	head ledger.Head
	all  []ledger.Entry
}

func (s *sealer) add(key *ledger.SealKey, n ledger.NewEntry) {
	s.t.Helper()
	e, err := n.Entry(console, noon)
	require.NoError(s.t, err)
	e, s.head = s.head.Chain(e)
	if key != nil {
		e.Seal = key.Seal(console, s.head)
	}
	s.all = append(s.all, e)
}

func (s *sealer) cancelled(key *ledger.SealKey, n int) {
	s.t.Helper()
	s.add(key, ledger.NewEntry{
		Request: "grant/1", Key: fmt.Sprintf("grant/1#%d/cancelled", n), Body: ledger.Cancelled{Change: fmt.Sprint(n)},
	})
}

func (s *sealer) record(key *ledger.SealKey, body ledger.SealingKey) {
	s.t.Helper()
	s.add(key, ledger.NewEntry{Request: ledger.KeysRequest, Key: body.EntryKey(), Body: body})
}

// sealedChain is one unsealed entry, as an earlier version wrote it, the key and three sealed ones.
func sealedChain(t *testing.T, key *ledger.SealKey) *sealer {
	t.Helper()
	s := &sealer{t: t}
	s.cancelled(nil, 1)
	s.record(key, ledger.NewSealingKey(key.Public(), nil))
	for n := range 3 {
		s.cancelled(key, n+2)
	}
	return s
}

func (s *sealer) verify(o ledger.VerifyOptions) ledger.Report {
	v := ledger.NewVerifier(console, o)
	for _, e := range s.all {
		v.Add(e)
	}
	return v.End(s.head)
}

// ssh-keygen verifies a seal with the public key, the text and the signature as they are printed.
func TestSeal_AgreesWithOpenSSH(t *testing.T) {
	t.Parallel()
	key := keyOfSeed("worker")
	head := ledger.Head{Seq: 12, Hash: strings.Repeat("ab", 32)}
	seal, dir := key.Seal(console, head), t.TempDir()
	armored, err := key.Public().Armor(seal)
	require.NoError(t, err)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	signers, signature := write("signers", "ledger "+key.Public().String()+"\n"), write("sig", armored)
	verify := func(text string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "ssh-keygen", "-Y", "verify", "-f", signers, "-I", "ledger",
			"-n", ledger.SealNamespace, "-s", signature)
		cmd.Stdin = strings.NewReader(text)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := verify(ledger.SealedText(console, head))
	require.NoError(t, err, out)
	require.Contains(t, out, key.Public().Fingerprint(), "ssh-keygen prints the fingerprint as we do")
	for _, other := range []ledger.Head{{Seq: 13, Hash: head.Hash}, {Seq: 12, Hash: strings.Repeat("ac", 32)}} {
		out, err = verify(ledger.SealedText(console, other))
		require.Error(t, err, out)
	}
	parsed, err := ledger.ParseSealPublic(key.Public().String() + " worker@example.com")
	require.NoError(t, err)
	require.Equal(t, key.Public(), parsed)
	_, err = key.Public().Armor("SHA256:abc x")
	require.ErrorIs(t, err, ledger.ErrBadSeal)
}

// Authority believes an entry that a trusted key has sealed, or that is older than the first key.
func TestKeyring_VerifySeal(t *testing.T) {
	t.Parallel()
	key, other := keyOfSeed("worker"), keyOfSeed("attacker")
	s := sealedChain(t, key)
	ring := ledger.NewKeyring(2, key.Public())
	for _, e := range s.all {
		require.NoError(t, ring.VerifySeal(e), "%d", e.Seq)
	}
	for name, spoil := range map[string]func(e *ledger.Entry){
		"not sealed": func(e *ledger.Entry) { e.Seal = "" },
		"which is not trusted": func(e *ledger.Entry) {
			e.Seal = other.Seal(console, ledger.Head{Seq: e.Seq, Hash: e.Hash})
		},
		"not what key":          func(e *ledger.Entry) { e.Seal = s.all[2].Seal },
		"not as it was written": func(e *ledger.Entry) { e.Body = []byte(`{"change":"x"}`) },
		"is not what key": func(e *ledger.Entry) { // rewritten, with its hash
			e.Body = []byte(`{"change":"x"}`)
			e.Hash = e.Digest()
		},
	} {
		e := s.all[3]
		spoil(&e)
		err := ring.VerifySeal(e)
		require.ErrorIs(t, err, ledger.ErrBadSeal, name)
		require.ErrorContains(t, err, name)
	}
	head := access.LedgerHead{Console: console, Seq: s.head.Seq, Hash: s.head.Hash, Seal: s.all[4].Seal}
	require.NoError(t, ring.VerifyHead(head))
	head.Seq++
	require.ErrorIs(t, ring.VerifyHead(head), ledger.ErrBadSeal)
	head.Seal = ""
	require.ErrorIs(t, ring.VerifyHead(head), ledger.ErrBadSeal)
	require.False(t, access.LedgerHead{Seal: access.Unsealed}.Sealed())
}

// Two statements of SQL that fit the hash and the head, a whole rewrite with or without a key, and
// an emptied ledger are found by the seals.
func TestVerifier_Sealed(t *testing.T) {
	t.Parallel()
	key := keyOfSeed("worker")
	trusting := ledger.VerifyOptions{Keys: []ledger.SealPublic{key.Public()}}
	whole := sealedChain(t, key)
	report := whole.verify(trusting)
	require.Empty(t, report.Faults)
	require.Empty(t, report.Unchecked)
	require.Equal(t, int64(2), report.Seals.From)
	require.Equal(t, int64(4), report.Seals.Entries)
	require.Equal(t, key.Public().String(), report.Seals.Key)
	require.Equal(t, whole.all[4].Seal, report.Seals.Newest.Seal)
	alone := whole.verify(ledger.VerifyOptions{})
	require.Empty(t, alone.Faults)
	require.Contains(t, alone.Unchecked[0], "whether key "+key.Public().Fingerprint()+", which sealed the ledger")

	requireFault := func(s *sealer, o ledger.VerifyOptions, want string) {
		t.Helper()
		report := s.verify(o)
		require.NotEmpty(t, report.Faults)
		require.Contains(t, fmt.Sprint(report.Faults), want)
	}
	two := sealedChain(t, key) // UPDATE ledger SET body, hash; UPDATE ledger_heads SET hash
	last := &two.all[len(two.all)-1]
	last.Body = []byte(`{"change":"forged"}`)
	last.Hash = last.Digest()
	two.head.Hash = last.Hash
	requireFault(two, ledger.VerifyOptions{}, "entry 5 is not what key "+key.Public().Fingerprint()+" sealed")
	last.Seal = ""
	requireFault(two, ledger.VerifyOptions{}, "entry 5 is not sealed, and the ledger is sealed from entry 2 on")

	requireFault(sealedChain(t, keyOfSeed("attacker")), trusting, "which is not the worker's and was not signed by it")
	bare := &sealer{t: t}
	bare.cancelled(nil, 1)
	requireFault(bare, trusting, "the ledger records no key, and it should be sealed with key")
	requireFault(&sealer{t: t}, trusting, "it was emptied or rewritten")
	requireFault(&sealer{t: t}, ledger.VerifyOptions{Noted: []ledger.Head{whole.head}}, "entry 5 was noted earlier")
	noted := []ledger.Head{whole.head, {Seq: 3, Hash: "x"}}
	requireFault(whole, ledger.VerifyOptions{Noted: noted}, "entry 3 is not the one")
	unknown := sealedChain(t, key)
	unknown.cancelled(keyOfSeed("attacker"), 9)
	requireFault(unknown, ledger.VerifyOptions{}, "which the ledger does not record")
}

// A new key counts with the old one's signature, seen from either; a key that is put in its place
// without it does not.
func TestVerifier_KeyReplaced(t *testing.T) {
	t.Parallel()
	first, second, evil := keyOfSeed("first"), keyOfSeed("second"), keyOfSeed("evil")
	s := sealedChain(t, first)
	s.record(second, ledger.NewSealingKey(second.Public(), first))
	s.cancelled(second, 20)
	s.cancelled(first, 21) // another worker that has not been restarted
	for _, trusted := range []*ledger.SealKey{first, second} {
		report := s.verify(ledger.VerifyOptions{Keys: []ledger.SealPublic{trusted.Public()}})
		require.Empty(t, report.Faults)
		require.Empty(t, report.Unchecked)
	}
	require.NotEmpty(t, s.verify(ledger.VerifyOptions{Keys: []ledger.SealPublic{evil.Public()}}).Faults)

	lost := ledger.NewSealingKey(evil.Public(), nil)
	for _, previous := range []string{"", first.Public().Fingerprint()} {
		forged := sealedChain(t, first)
		lost.Previous = previous
		forged.record(evil, lost)
		forged.cancelled(evil, 20)
		report := forged.verify(ledger.VerifyOptions{Keys: []ledger.SealPublic{first.Public()}})
		require.Contains(t, fmt.Sprint(report.Faults), "which is not the worker's and was not signed by it")
		require.NotEmpty(t, forged.verify(ledger.VerifyOptions{}).Faults, "also without a key to compare with")
	}
}

// An entry that the database would not find by its principal any more is a fault.
func TestVerifier_Subject(t *testing.T) {
	t.Parallel()
	s := &sealer{t: t}
	body := bodies()["request"]
	s.add(nil, ledger.NewEntry{Request: grant.Request, Key: keyOf(body), Body: body})
	require.Empty(t, s.verify(ledger.VerifyOptions{}).Faults)
	s.all[0].Subject = ""
	faults := s.verify(ledger.VerifyOptions{}).Faults
	require.Contains(t, fmt.Sprint(faults), `entry 1 is about user/401, and the database`)
}

// FuzzSealKey: whatever the text is, it is a key or an error, and a key is written as it was read.
func FuzzSealKey(f *testing.F) {
	f.Add(keyOfSeed("worker").Public().String())
	f.Add("ssh-ed25519 AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ledger.ParseSealPublic(text)
		if err != nil {
			return
		}
		again, err := ledger.ParseSealPublic(key.String())
		require.NoError(t, err)
		require.Equal(t, key, again)
	})
}
