package signing

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Namespace keeps our signatures apart from those for other uses of the same keys.
const Namespace = "sentinelone-provisioner"

// Kinds of statements.
const (
	KindRequest  = "request"
	KindApprove  = "approve"
	KindDeny     = "deny"
	KindDelegate = "delegate"
)

// Statement is what a person puts a name to.
type Statement struct {
	Kind    string
	Request string // workflow id
	// Run and PlanHash are of the workflow and its plan. The hash stands for principal,
	// role, scope, before and after. A request is signed before there are any.
	Run      string
	PlanHash string
	// Asked is the hash of the request as it is asked, [access.RequestSpec]; of a request only.
	Asked   string
	By      string
	Comment string
	// Duration and StartAt narrow what is approved. Duration is also of a delegation.
	Duration access.Duration
	StartAt  time.Time
	// Console, To and Until are of a delegation. It is not about a plan, and may say
	// Duration in place of Until.
	Console string
	To      string
	Until   time.Time
	// At is when it was signed, by the clock of whoever signed.
	At time.Time
}

// heading tells the version of the text, should it ever change.
const heading = "sentinelone-provisioner statement 1"

// Canonical is the text that is signed: a heading, then a line "name: value" for each
// field that is not empty, in a fixed order. Different statements have different texts.
func (s Statement) Canonical() []byte {
	var b strings.Builder
	b.WriteString(heading + "\n")
	line := func(name, value string) {
		if value != "" {
			b.WriteString(name + ": " + escape(value) + "\n")
		}
	}
	line("kind", s.Kind)
	line("request", s.Request)
	line("run", s.Run)
	line("plan", s.PlanHash)
	line("asked", s.Asked)
	line("console", s.Console)
	line("by", s.By)
	line("to", s.To)
	line("until", instant(s.Until))
	if s.Duration != 0 {
		line("duration", s.Duration.String())
	}
	line("startAt", instant(s.StartAt))
	line("comment", s.Comment)
	line("at", instant(s.At))
	return []byte(b.String())
}

// instant is RFC 3339 in UTC, with a fraction only where there is one.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// escape keeps a value on its line. It is spelled out here, since the text must stay
// the same for as long as anyone checks signatures: strconv.Quote moves with Unicode.
func escape(value string) string {
	var b strings.Builder
	for i := range len(value) {
		switch c := value[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c == '\n':
			b.WriteString(`\n`)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// MaxAge is how old a signature may be when it arrives, and MaxAhead how far the clock
// of whoever signed may be ahead. See [Statement.Timely].
const (
	MaxAge   = time.Hour
	MaxAhead = 5 * time.Minute
)

// Timely says whether a statement that arrives at that time is a fresh one. An old one
// may have been kept by somebody else, to be shown again when it suits.
func (s Statement) Timely(arrived time.Time) error {
	switch age := arrived.Sub(s.At); {
	case age > MaxAge:
		return fmt.Errorf("the signature is of %s, more than %s before it arrived: sign again",
			instant(s.At), access.Duration(MaxAge))
	case age < -MaxAhead:
		return fmt.Errorf("the signature is of %s, which is yet to come: set the clock of the machine it was made on",
			instant(s.At))
	}
	return nil
}

var (
	kindForm = regexp.MustCompile(`^[a-z][a-zA-Z]*$`)
	hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Validate says what is missing for the statement to mean one thing only.
func (s Statement) Validate() error {
	var faults []error
	want := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, errors.New("the statement "+fault))
		}
	}
	want(kindForm.MatchString(s.Kind), "has no kind, such as approve")
	want(s.Request != "", "names no request")
	want(strings.TrimSpace(s.By) != "", "names nobody who makes it")
	want(!s.At.IsZero(), "has no time at which it was signed")
	if s.Kind == KindRequest {
		want(hashForm.MatchString(s.Asked), "has no hash of what is asked")
		return errors.Join(faults...)
	}
	if s.Kind == KindDelegate {
		want(s.Console != "", "names no console")
		want(strings.TrimSpace(s.To) != "" && s.Until.IsZero() == (s.Duration != 0),
			"does not say to whom, or until when")
		return errors.Join(faults...)
	}
	want(s.Run != "", "names no run of the request")
	want(hashForm.MatchString(s.PlanHash), "has no hash of a plan")
	return errors.Join(faults...)
}
