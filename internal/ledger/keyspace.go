package ledger

import (
	"fmt"
	"strings"
)

// A key is in the key space of one kind: from the request and the key follows which kind
// the entry is of. Otherwise an entry of one kind, such as a notification whose text
// anybody chooses, could take the place of another, such as a receipt.
//
// There are three forms, and each part between slashes consists of letters, digits and
// "._-" only. So a "#" is never in a part, which is what tells the forms apart:
//
//	<kind>/<part>                              of no request: signatures, signed delegations
//	<request>#<run>/<kind>[/<part>]            of a run of a request
//	<request>#<run>/<step>[/<number>]/<kind>[/<part>]   of one change of a run
type keySpace struct {
	alone  tail // first form
	run    tail // second form
	change tail // third form
}

// tail says what may stand behind the kind.
type tail string

const (
	noForm   tail = ""         // the kind has no keys of this form
	nothing  tail = "nothing"  // no part
	number   tail = "number"   // one part, a number
	optional tail = "optional" // no part, or a number
	digest   tail = "digest"   // one part, a SHA-256 in hex; a number may follow
	decided  tail = "decided"  // as digest, or, as versions up to 0.4.0 wrote it, a number
	words    tail = "words"    // up to two parts
)

// keySpaces are the key spaces of the kinds that are bound to some forms only. A kind that is
// not listed has the first two.
var keySpaces = map[Kind]keySpace{
	KindRequest:          {run: optional},
	KindSignature:        {alone: digest},
	KindDecision:         {run: decided},
	KindDelegation:       {alone: digest, run: optional},
	KindWrite:            {change: number},
	KindAnswer:           {change: number},
	KindToken:            {change: number},
	KindProof:            {change: nothing},
	KindConfirmation:     {change: number},
	KindExtension:        {change: nothing},
	KindCancelled:        {run: nothing, change: nothing},
	KindReceipt:          {run: nothing},
	KindOverdue:          {change: nothing},
	KindDrift:            {alone: digest},
	KindNotification:     {alone: digest, run: words},
	KindLedgerKey:        {alone: digest},
	KindExtensionRequest: {run: digest},
	KindStop:             {run: digest},
	KindFreeze:           {run: nothing},
	KindUnauthorized:     {alone: digest, change: words},
}

// checkKey says why a key cannot be of that kind and request.
func (e Entry) checkKey() error {
	if e.keyFits() {
		return nil
	}
	return fmt.Errorf("%w: an entry of kind %q of %q cannot stand under key %q: "+
		"take the key from the functions of package ledger", ErrBadEntry, e.Kind, e.Request, e.Key)
}

func (e Entry) keyFits() bool {
	space, listed := keySpaces[e.Kind]
	if !listed {
		space = keySpace{alone: words, run: words}
	}
	if rest, ok := strings.CutPrefix(e.Key, string(e.Kind)+"/"); ok && space.alone.allows(rest) {
		return true
	}
	run := RunOf(e)
	if run.ID == "" || strings.Contains(run.ID, "#") || !run.Owns(e.Key) {
		return false
	}
	parts := strings.Split(strings.TrimPrefix(e.Key, run.String()+"/"), "/")
	if parts[0] == string(e.Kind) {
		return space.run.allows(parts[1:]...)
	}
	if len(parts) < 2 || !isWord(parts[0]) || isKind(parts[0]) {
		return false
	}
	if isNumber(parts[1]) { // of one of several changes, such as extend/2
		parts = parts[1:]
	}
	return len(parts) > 1 && parts[1] == string(e.Kind) && space.change.allows(parts[2:]...)
}

func (t tail) allows(parts ...string) bool {
	switch {
	case t == noForm:
		return false
	case len(parts) == 0:
		return t == nothing || t == optional || t == words
	case len(parts) > 2:
		return false
	}
	first, second := parts[0], parts[len(parts)-1]
	switch t {
	case number, optional:
		return len(parts) == 1 && isNumber(first)
	case digest:
		return isDigest(first) && (len(parts) == 1 || isNumber(second))
	case decided:
		return digest.allows(parts...) || number.allows(parts...)
	case words:
		return isWord(first) && isWord(second)
	default:
		return false
	}
}

func isKind(word string) bool {
	_, known := decoders[Kind(word)]
	return known
}

func isNumber(s string) bool { return s != "" && len(s) < 10 && strings.Trim(s, "0123456789") == "" }

func isDigest(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

// isWord says whether s can be one part of a key. A number is a word too.
func isWord(s string) bool {
	const wordLimit = 100
	if s == "" || len(s) > wordLimit {
		return false
	}
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("._-", r):
		default:
			return false
		}
	}
	return true
}
