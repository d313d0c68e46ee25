package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// ErrOtherAnswer says that what the ledger holds under a key is the answer to another
// question than the one that was asked.
var ErrOtherAnswer = errors.New("the ledger holds another answer")

// CheckAnswer says why an entry that the ledger holds is no answer to what was to be
// appended under its key, as [ErrOtherAnswer]: it is of another kind, or about something
// else. What the activity found out, such as whether a decision counts, may differ: then
// the kept entry is the first answer.
func CheckAnswer(kept Entry, asked Body) error {
	why := ""
	if kept.Kind != asked.Kind() {
		why = fmt.Sprintf("its kind is %q and not %q", string(kept.Kind), string(asked.Kind()))
	} else if _, ok := asked.(question); ok {
		body, err := Decode(kept)
		if err != nil {
			return err
		}
		text, err := Encode(asked) // as it would be kept
		if err != nil {
			return fmt.Errorf("%w: encode the body of %s %q: %w", ErrBadEntry, kept.Kind, kept.Key, err)
		}
		kept.Body = text
		if asked, err = Decode(kept); err != nil {
			return err
		}
		why = asked.(question).differs(body)
	}
	if why == "" {
		return nil
	}
	return fmt.Errorf("%w: entry %d (%s) of %s was expected to answer this, and %s: nothing was recorded; "+
		"run `starter ledger verify`, and find out who reset or started a workflow of this id",
		ErrOtherAnswer, kept.Seq, kept.Key, kept.Request, why)
}

// question is a body whose answer must be about the same.
type question interface {
	// differs says in what the kept body of the same kind is about something else; "" if it is not.
	differs(kept Body) string
}

// difference names the first field that is not the same.
func difference(fields ...field) string {
	for _, f := range fields {
		if !reflect.DeepEqual(f.kept, f.asked) {
			return "it has another " + f.name
		}
	}
	return ""
}

type field struct {
	name        string
	kept, asked any
}

func (d Decision) differs(kept Body) string {
	is, _ := kept.(Decision)
	k, a := is.Decision, d.Decision
	return difference(
		field{"person", k.By, a.By}, field{"action", k.Action, a.Action}, field{"plan", k.PlanHash, a.PlanHash},
		field{"comment", k.Comment, a.Comment}, field{"duration", k.Duration, a.Duration},
		field{"start", utc(k.StartAt), utc(a.StartAt)}, field{"signature", k.Signature, a.Signature},
		field{"time of signature", utc(k.SignedAt), utc(a.SignedAt)},
	)
}

func (r Request) differs(kept Body) string {
	is, _ := kept.(Request)
	k, a := is.Plan, r.Plan
	return difference(
		field{"operation", k.Op, a.Op}, field{"console", k.Console, cmp.Or(a.Console, k.Console)},
		field{"requester", k.Terms.Requester, a.Terms.Requester}, field{"reason", k.Terms.Reason, a.Terms.Reason},
		field{"duration", k.Terms.Duration, a.Terms.Duration},
		field{"start", utc(k.Terms.StartAt), utc(a.Terms.StartAt)},
		field{"break-glass mark", k.Terms.BreakGlass, a.Terms.BreakGlass},
		field{"account", k.Account, cmp.Or(a.Account, k.Account)},
		field{"token", k.Rotation, cmp.Or(a.Rotation, k.Rotation)},
		field{"signature", is.signatureOr(r), r.signatureOr(is)},
	)
}

// signatureOr is the text of the signature, or of the other's: a worker that does not check
// signatures records none.
func (r Request) signatureOr(other Request) string {
	switch {
	case r.Signature != nil:
		return r.Signature.Signature
	case other.Signature != nil:
		return other.Signature.Signature
	}
	return ""
}

func (w Write) differs(kept Body) string {
	is, _ := kept.(Write)
	return difference(
		field{"principal", is.Principal.text(), orKept(w.Principal, is.Principal)},
		field{"subject", is.Roles == nil, w.Roles == nil},
	)
}

func (p Proof) differs(kept Body) string {
	is, _ := kept.(Proof)
	return difference(
		field{"principal", is.Principal.text(), orKept(p.Principal, is.Principal)},
		field{"subject", is.Roles == nil, p.Roles == nil},
		field{"operation", is.Proof.Op, p.Proof.Op}, field{"change", is.Proof.Key, p.Proof.Key},
	)
}

func (r Receipt) differs(kept Body) string {
	is, _ := kept.(Receipt)
	return difference(
		field{"request", is.Receipt.Request, r.Receipt.Request}, field{"run", is.Receipt.Run, r.Receipt.Run},
	)
}

func (c Cancelled) differs(kept Body) string {
	is, _ := kept.(Cancelled)
	return difference(field{"change", is.Change, c.Change})
}

func (f Freeze) differs(kept Body) string {
	is, _ := kept.(Freeze)
	return difference(
		field{"action", is.Action(), f.Action()}, field{"person", is.By, f.By}, field{"reason", is.Reason, f.Reason},
		field{"signature", is.Signature, f.Signature}, field{"time of signature", utc(is.SignedAt), utc(f.SignedAt)},
	)
}

func (s Signature) differs(kept Body) string {
	is, _ := kept.(Signature)
	return difference(field{"statement", is.Statement, s.Statement})
}

// orKept is the principal asked about. An entry of an earlier version, or a caller that does not
// know it yet, names none.
func orKept(asked, kept *Subject) string {
	if asked == nil || kept == nil {
		return kept.text()
	}
	return asked.text()
}

func utc(t time.Time) time.Time { return t.UTC().Round(0) }
