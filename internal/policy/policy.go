package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/textfile"
)

// Policy is a checked policy. It is safe for concurrent use.
type Policy struct {
	name     string // of the file
	text     []byte
	hash     string
	zone     *time.Location
	groups   map[string][]string // members, folded and sorted
	rules    []*rule
	separate []separation
	drift    []driftRule
}

// Load reads and checks a policy file. The error joins all faults, as [FaultError]
// values; [Faults] takes it apart.
func Load(path string) (*Policy, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the policy: %w", err)
	}
	if _, err := textfile.Text(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p, strict, err := parse(path, data)
	for _, f := range strict {
		err = errors.Join(append(faultsOf(err), f)...)
	}
	if line, why := strangeCharacter(data); err != nil && why != "" { // the other faults follow from it
		return nil, errors.Join(append([]error{FaultError{File: path, Line: line, Text: why}}, faultsOf(err)...)...)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// HashOf is the hash of the policy with that text: SHA-256, in hex.
func HashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Hash is the SHA-256, in hex, of the file's bytes.
func (p *Policy) Hash() string { return p.hash }

// Text is a copy of the file's bytes; [Parse] makes the same policy from it.
func (p *Policy) Text() []byte { return bytes.Clone(p.text) }

// Name is the path of the file, for messages.
func (p *Policy) Name() string { return p.name }

// String is the policy in one line for logs: name, size and hash.
func (p *Policy) String() string {
	return fmt.Sprintf("%s: %s, %s, sha256 %s",
		p.name, describe.Plural(len(p.rules), "rule"), describe.Plural(len(p.groups), "group"), p.hash)
}

// builtIn is the policy of a worker without a policy file. Its hash is that of this text.
const builtIn = `rules:
  - name: built-in
    approvals: [{need: 1, from: [anyone]}]
    decideWithin: 72h
    maxDuration: 8784h # 366 days
    permanent: true
    levelChange: ask
    lastRole: stop
`

var parsedBuiltIn = sync.OnceValue(func() *Policy {
	p, err := Parse("built-in policy", []byte(builtIn))
	if err != nil { // a test rules this out; an empty policy refuses every grant
		return &Policy{
			name: "built-in policy", text: []byte(builtIn), hash: HashOf([]byte(builtIn)), zone: time.UTC,
		}
	}
	return p
})

// BuiltIn is the policy of a worker without a policy file: each grant, of at most 366 days
// or permanent, needs one approval within 72 h from anyone but the requester and the
// recipient. So does a new token for a service user. Revokes need none.
func BuiltIn() *Policy { return parsedBuiltIn() }

// isBuiltIn returns whether the policy has the text of the built-in one. The same hash must lead to
// the same decision, so that a file with this text counts too.
func (p *Policy) isBuiltIn() bool { return p.hash == HashOf([]byte(builtIn)) }
