package signing

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// SignersReport is what an allowed_signers file says, line by line, for the people who
// maintain it.
type SignersReport struct {
	File    string `json:"file"`
	Revoked string `json:"revoked,omitempty"` // the file of revoked keys; "" for none
	// OK says that a worker starts with the file and that a key in it is valid now.
	OK      bool            `json:"ok"`
	Signers []SignerLine    `json:"signers"` // in the order of the file
	Faults  []SignerFinding `json:"faults"`  // with one of them the worker does not start
	// Warnings are about lines that say more, or less, than their author may think.
	Warnings []SignerFinding `json:"warnings"`
}

// SignerLine is one line of the file: who may sign with which key, until when.
type SignerLine struct {
	Line        int         `json:"line"`  // from 1
	Names       []string    `json:"names"` // patterns, as in *@soc.example.com
	Fingerprint string      `json:"fingerprint"`
	KeyType     string      `json:"keyType"`
	ValidAfter  *time.Time  `json:"validAfter,omitempty"`
	ValidBefore *time.Time  `json:"validBefore,omitempty"` // nil: no end
	State       SignerState `json:"state"`
}

// SignerState says whether a line lets its key sign now.
type SignerState string

// What a line says about now.
const (
	SignerValid   SignerState = "valid"
	SignerExpired SignerState = "expired"
	SignerEarly   SignerState = "not valid yet"
	SignerOther   SignerState = "other namespace" // the line is for other uses than this project
	SignerRevoked SignerState = "revoked"
)

// SignerFinding is a remark about one line.
type SignerFinding struct {
	Line int    `json:"line"` // from 1; 0: about the file as a whole
	Text string `json:"text"`
}

// String is the finding as in "line 3: …".
func (f SignerFinding) String() string {
	if f.Line == 0 {
		return f.Text
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.Text)
}

const (
	// soonExpired is how long before its end a key is worth a warning.
	soonExpired = 30 * 24 * time.Hour
	// shortRSABits is accepted, and too short for a new key.
	shortRSABits = 3072
)

// InspectSigners reads an allowed_signers file as the worker does, and a file of revoked keys
// if revoked is not "". Faults are in the report; the error is a [FileError]: a file cannot
// be read at all.
func InspectSigners(path, revoked string, now time.Time) (SignersReport, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return SignersReport{}, &FileError{path, unreadable(err)}
	}
	out := SignersReport{
		File: path, Revoked: revoked, Signers: []SignerLine{}, Faults: []SignerFinding{}, Warnings: []SignerFinding{},
	}
	signers, err := parseSigners(text)
	out.fault(err)
	gone, err := (&AllowedSigners{path: path, revoked: revoked}).revocations()
	if file, is := errors.AsType[*FileError](err); is {
		for _, fault := range file.Faults() {
			out.Faults = append(out.Faults, SignerFinding{Text: fault.Error()})
		}
	}
	valid := 0
	for _, s := range signers {
		line := s.inspect(gone, now)
		if line.State == SignerValid {
			valid++
		}
		out.Signers = append(out.Signers, line)
		out.warnAbout(s, line, now)
	}
	out.warnShared(signers)
	if len(signers) > 0 && valid == 0 {
		out.warn(0, "no key in it may sign now, so every request and decision would be refused")
	}
	out.OK = len(out.Faults) == 0 && valid > 0
	return out, nil
}

// lineError is a fault of one line.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *lineError) Unwrap() error { return e.err }

// fault adds the faults that parseSigners joined.
func (r *SignersReport) fault(err error) {
	if err == nil {
		return
	}
	causes := []error{err}
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		causes = all.Unwrap()
	}
	for _, cause := range causes {
		f := SignerFinding{Text: cause.Error()}
		if at, is := errors.AsType[*lineError](cause); is {
			f = SignerFinding{Line: at.line, Text: at.err.Error()}
		}
		r.Faults = append(r.Faults, f)
	}
}

func (r *SignersReport) warn(line int, format string, args ...any) {
	r.Warnings = append(r.Warnings, SignerFinding{Line: line, Text: fmt.Sprintf(format, args...)})
}

func (s signer) inspect(revoked map[string]int, now time.Time) SignerLine {
	out := SignerLine{
		Line: s.line, Names: strings.Split(s.principals, ","), Fingerprint: fingerprint(s.key), KeyType: s.key.Type(),
		ValidAfter: optional(s.after), ValidBefore: optional(s.before), State: SignerValid,
	}
	_, gone := revoked[string(s.key.Marshal())]
	switch at := now.Truncate(time.Second); {
	case gone:
		out.State = SignerRevoked
	case !s.forUs():
		out.State = SignerOther
	case !s.after.IsZero() && at.Before(s.after):
		out.State = SignerEarly
	case !s.before.IsZero() && at.After(s.before):
		out.State = SignerExpired
	}
	return out
}

// forUs says that a line is for the namespace of this project.
func (s signer) forUs() bool {
	if s.namespaces == nil {
		return true
	}
	_, ok := matchList(Namespace, *s.namespaces)
	return ok
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

// warnAbout warns about what one line says by itself.
func (r *SignersReport) warnAbout(s signer, line SignerLine, now time.Time) {
	switch line.State {
	case SignerExpired:
		r.warn(s.line, "expired on %s: it lets nobody sign", instant(s.before))
	case SignerRevoked:
		r.warn(s.line, "the key is revoked: no signature by it counts, an older one neither")
	case SignerOther:
		r.warn(s.line, "it is for namespaces other than %q: it lets nobody sign here", Namespace)
	case SignerEarly:
		r.warn(s.line, "not valid before %s", instant(s.after))
	case SignerValid:
		if !s.before.IsZero() && s.before.Sub(now) < soonExpired {
			r.warn(s.line, "expires on %s", instant(s.before))
		}
	}
	for _, name := range line.Names {
		if !strings.HasPrefix(name, "!") && strings.ContainsAny(name, "*?") {
			r.warn(s.line, "the pattern %q lets this one key sign in every name that matches it; "+
				"in one request they count as one person", name)
		}
	}
	if bits := rsaBits(s.key); bits > 0 && bits < shortRSABits {
		r.warn(s.line, "the RSA key has %d bits: replace it by an ed25519 key", bits)
	}
}

// warnShared warns about each key that serves several names, on one line or on several.
func (r *SignersReport) warnShared(signers []signer) {
	names, first := map[string][]string{}, map[string]int{}
	var order []string
	for _, s := range signers {
		key := string(s.key.Marshal())
		if _, seen := first[key]; !seen {
			first[key] = s.line
			order = append(order, key)
		}
		for name := range strings.SplitSeq(s.principals, ",") {
			if !strings.HasPrefix(name, "!") && !slices.Contains(names[key], name) {
				names[key] = append(names[key], name)
			}
		}
	}
	for _, key := range order {
		if len(names[key]) > 1 {
			r.warn(first[key], "the key serves %s: in one request they count as one person",
				strings.Join(names[key], ", "))
		}
	}
}

// rsaBits is the length of an RSA key; 0 for others.
func rsaBits(key ssh.PublicKey) int {
	if c, ok := key.(ssh.CryptoPublicKey); ok {
		if k, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok {
			return k.N.BitLen()
		}
	}
	return 0
}
