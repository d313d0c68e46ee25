package signing

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Namespace keeps our signatures apart from signatures that the same keys make for other uses.
const Namespace = "sentinelone-provisioner"

// The kinds of statements.
const (
	KindRequest  = "request"
	KindApprove  = "approve"
	KindDeny     = "deny"
	KindDelegate = "delegate"
	KindCancel   = "cancel"
	KindEnd      = "end"
	KindExtend   = "extend"
	KindConfirm  = "confirm"
	KindDiscard  = "discard"
	KindFreeze   = "freeze"
	KindUnfreeze = "unfreeze"
)

// Statement is what a person signs.
type Statement struct {
	Kind    string
	Request string // workflow id, such as "grant/INC-42"
	// Run is the run id of the workflow, PlanHash the hash of its plan: SHA-256 in lower-case hex,
	// see [access.Plan.Seal]. Both are empty in a request, which is signed before there is a
	// plan, and in a delegation, a freeze and an unfreeze, which are about no plan. A message that stops a request, or
	// decides about a sync, names no plan.
	Run      string
	PlanHash string
	// RequestHash is the hash of the [access.RequestSpec]: SHA-256 in lower-case hex. Only a request
	// has one.
	RequestHash string
	By          string // the person who signs
	Comment     string
	// Duration and StartAt narrow what an approval approves. A delegation may have a Duration.
	Duration access.Duration
	StartAt  time.Time
	// Console, To and Until belong to a delegation: the host of the console, the delegate and the
	// end. Duration may stand in place of Until. An extension has a Duration, which it adds, and
	// an Until, the end that results. A freeze and an unfreeze name the Console.
	Console string
	To      string
	Until   time.Time
	// At is when the person signed, by the clock of the signing machine.
	At time.Time
}

// heading has the version of the text, in case the text changes one day.
const heading = "sentinelone-provisioner statement 1"

// Canonical returns the text that is signed: a heading, then a line "name: value" for each
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
	line("requestHash", s.RequestHash)
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

// instant formats a time as RFC 3339 in UTC, with a fraction only where there is one; "" for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// escape keeps a value on its line. It does not use strconv.Quote, whose output changes with
// Unicode versions: the text must stay the same as long as signatures are verified.
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

// MaxAge is how old a signature may be when it arrives, and MaxAhead how far the clock of the
// signing machine may be ahead. See [Statement.CheckAge].
const (
	MaxAge   = time.Hour
	MaxAhead = 5 * time.Minute
)

// CheckAge fails where a statement is not fresh when it arrives: someone may have kept an old
// one, to send it when it suits them.
func (s Statement) CheckAge(arrived time.Time) error {
	switch age := arrived.Sub(s.At); {
	case age > MaxAge:
		return fmt.Errorf("the signature was made at %s, more than %s before it arrived: sign again",
			instant(s.At), access.Duration(MaxAge))
	case age < -MaxAhead:
		return fmt.Errorf("the signature was made at %s, which is in the future: set the clock of the signing machine",
			instant(s.At))
	}
	return nil
}

var (
	kindForm = regexp.MustCompile(`^[a-z][a-zA-Z]*$`)
	hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Validate names every field that the statement needs and lacks, or that has the wrong form.
func (s Statement) Validate() error {
	var faults []error
	require := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, errors.New("the statement "+fault))
		}
	}
	require(kindForm.MatchString(s.Kind), "has no valid kind, such as approve")
	require(s.Request != "", "does not name the request")
	require(strings.TrimSpace(s.By) != "", "does not name the person who signs")
	require(!s.At.IsZero(), "has no time of signing")
	if s.Kind == KindRequest {
		require(hashForm.MatchString(s.RequestHash), "has no hash of the request")
		return errors.Join(faults...)
	}
	if s.Kind == KindDelegate {
		require(s.Console != "", "does not name the console")
		require(strings.TrimSpace(s.To) != "" && s.Until.IsZero() == (s.Duration != 0),
			"needs a delegate, and either an end or a duration")
		return errors.Join(faults...)
	}
	if s.Kind == KindFreeze || s.Kind == KindUnfreeze {
		require(s.Console != "", "does not name the console")
		return errors.Join(faults...)
	}
	require(s.Run != "", "does not name the run of the request")
	switch s.Kind {
	case KindCancel, KindEnd, KindConfirm, KindDiscard:
		return errors.Join(faults...)
	case KindExtend:
		require(s.Duration > 0 && !s.Until.IsZero(), "needs the duration that it adds, and the end that results")
	}
	require(hashForm.MatchString(s.PlanHash), "has no hash of the plan")
	return errors.Join(faults...)
}
