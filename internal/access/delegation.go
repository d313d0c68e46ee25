package access

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// MaxDelegation is the longest time that decisions are handed over for.
const MaxDelegation = 366 * 24 * time.Hour

// Delegation hands a person's decisions to another for a time: those that are open and
// those to come. It holds from At until Until. One whose end is past revokes what By
// has handed to To before.
type Delegation struct {
	By string    `json:"by"` // whose decisions
	To string    `json:"to"`
	At time.Time `json:"at"` // when the worker took it
	// Until is its end. Duration is how long, where that was said in place of an end.
	Until    time.Time `json:"until"`
	Duration Duration  `json:"duration,omitzero"`
	Comment  string    `json:"comment,omitempty"`
	// Console is the one it is for, Request the workflow it came by.
	Console string `json:"console"`
	Request string `json:"request"`
	// Signed says how it is known who delegates: "unsigned", or the key's fingerprint.
	Signed    string `json:"signed"`
	Signature string `json:"signature,omitempty"`
	// SignedAt is the time that the signature is over.
	SignedAt time.Time `json:"signedAt,omitzero"`
}

// InForce says whether it holds at that time.
func (d Delegation) InForce(at time.Time) bool { return !at.Before(d.At) && at.Before(d.Until) }

// TakesBack says that it ends an earlier one, and begins nothing.
func (d Delegation) TakesBack() bool { return !d.Until.After(d.At) }

// Timed fills in the end of one that says how long.
func (d Delegation) Timed() Delegation {
	if d.Duration != 0 {
		d.Until = d.At.Add(time.Duration(d.Duration))
	}
	d.Until = d.Until.UTC()
	return d
}

// Validate says what is wrong with what was asked, all of it. At is the time from which
// it is to hold; d is not [Delegation.Timed] yet.
func (d Delegation) Validate() error {
	faults := []error{person("by", d.By), person("to", d.To)}
	switch {
	case d.Until.IsZero() == (d.Duration == 0):
		faults = append(faults, errors.New(`say either "until", as in 2026-03-07T18:00:00Z, or "duration", as in 48h`))
	case d.Duration < 0:
		faults = append(faults, fmt.Errorf("duration is %s: give one above 0", d.Duration))
	case d.Timed().Until.Sub(d.At) > MaxDelegation:
		faults = append(faults, fmt.Errorf("it would hold until %s: the longest is %d days",
			d.Timed().Until.Format(time.RFC3339), MaxDelegation/(24*time.Hour)))
	}
	if Fold(d.By) != "" && Fold(d.By) == Fold(d.To) {
		faults = append(faults, fmt.Errorf("%s cannot delegate to the same person", strings.TrimSpace(d.By)))
	}
	return errors.Join(faults...)
}

// person says what is wrong with the name of one.
func person(field, name string) error {
	switch {
	case Fold(name) == "":
		return fmt.Errorf(`%q is missing: give an address, as in carol@example.com`, field)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf(`%q holds characters that no name has`, field)
	}
	return nil
}

// Who is by whom a decision is, and for whom, in words.
func (d Decision) Who() string {
	if d.OnBehalfOf == "" {
		return d.By
	}
	return d.By + " for " + d.OnBehalfOf
}
