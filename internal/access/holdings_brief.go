package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxListed is how many roles the JSON of [Holdings] lists at most. A person can hold thousands,
// and Temporal takes no payload over 2 MB: what passes through it must not grow with them.
const MaxListed = 50

// IsBrief says that the list was left out, so that only number and digest of its roles are known.
// No rule can be applied to it: the store has the list under its digest.
func (r Holdings) IsBrief() bool { return r.Digest != "" }

// Len is the number of roles, also of a list that was left out.
func (r Holdings) Len() int {
	if r.IsBrief() {
		return r.Count
	}
	return len(r.Held)
}

// ListDigest is the SHA-256, in hex, of [Holdings.List], also of a list that was left out.
//
//workflowcheck:ignore encoding/json is deterministic for what holds no maps
func (r Holdings) ListDigest() string {
	if r.IsBrief() {
		return r.Digest
	}
	sum := sha256.Sum256(r.List())
	return hex.EncodeToString(sum[:])
}

// List is the level and all roles, sorted and without repeats, as the store keeps them:
// {"level":"site","held":[{"roleId":"2","scopeId":"9"}]}. It is nil for a list that was left out.
func (r Holdings) List() []byte {
	if r.IsBrief() {
		return nil
	}
	text, err := json.Marshal(plainHoldings{Level: r.Level, Held: r.Normal().Held})
	if err != nil {
		return nil // cannot happen: no field can fail to encode
	}
	return text
}

// ErrOtherList says that a list is not the one that was left out.
var ErrOtherList = errors.New("the list of roles has another digest than the one that was left out")

// WithList is a brief value with the list that was left out of it, as [Holdings.List] writes it. A
// list with another digest is [ErrOtherList].
func (r Holdings) WithList(list []byte) (Holdings, error) {
	if sum := sha256.Sum256(list); hex.EncodeToString(sum[:]) != r.Digest {
		return r, ErrOtherList
	}
	var out plainHoldings
	if err := strictly(list, &out); err != nil {
		return r, fmt.Errorf("read the list of roles %.12s: %w", r.Digest, err)
	}
	return Holdings{Level: out.Level, Held: out.Held}, nil
}

// Listed is the value whose JSON lists all roles.
func (r Holdings) Listed() Holdings {
	r.listed = true
	return r
}

// IsLong says that the list is at hand, and that the JSON leaves it out.
func (r Holdings) IsLong() bool { return !r.IsBrief() && !r.listed && len(r.Held) > MaxListed }

// brief is the value as its JSON has it.
func (r Holdings) brief() Holdings {
	switch {
	case r.IsBrief():
		r.Held = []HeldRole{}
	case r.IsLong():
		r = r.Normal()
		if len(r.Held) > MaxListed {
			return Holdings{Level: r.Level, Held: []HeldRole{}, Count: len(r.Held), Digest: r.ListDigest()}
		}
	case r.Held == nil:
		r.Held = []HeldRole{} // so that programs can read it without a check
	}
	return r
}

// plainHoldings is the JSON of a [Holdings].
type plainHoldings struct {
	Level  Level      `json:"level"`
	Held   []HeldRole `json:"held"`
	Count  int        `json:"count,omitempty"`
	Digest string     `json:"digest,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (r Holdings) MarshalJSON() ([]byte, error) {
	r = r.brief()
	return json.Marshal(plainHoldings{r.Level, r.Held, r.Count, r.Digest})
}

// UnmarshalJSON implements [json.Unmarshaler]. It fails on unknown fields, and on a list beside a
// digest.
func (r *Holdings) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	var in plainHoldings
	if err := strictly(data, &in); err != nil {
		return err
	}
	if (in.Count > 0) != (in.Digest != "") || in.Digest != "" && len(in.Held) > 0 {
		return errors.New("holdings need either a list or a count with a digest")
	}
	*r = Holdings{
		Level: in.Level, Held: in.Held, Count: in.Count, Digest: in.Digest, listed: len(in.Held) > MaxListed,
	}
	return nil
}

func strictly(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}
