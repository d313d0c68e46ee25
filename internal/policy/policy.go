package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"sync"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// Policy is a policy that has been checked. It is safe for concurrent use.
type Policy struct {
	name     string // of the file
	text     []byte
	hash     string
	zone     *time.Location
	groups   map[string][]string // members, folded and sorted
	rules    []*rule
	separate []separation
}

// Load reads a policy file. Every fault of it is in the one error, which is made of
// [FaultError] values by [errors.Join].
func Load(path string) (*Policy, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the policy cannot be read: %w", err)
	}
	return Parse(path, data)
}

// Parse is [Load] for text that is already there; faults call it by the name.
func Parse(name string, data []byte) (*Policy, error) {
	r := &reader{file: name, lines: bytes.Split(data, []byte("\n"))}
	p := &Policy{
		name: name, text: bytes.Clone(data), hash: digest(data), zone: time.UTC, groups: map[string][]string{},
	}
	if root := r.document(data); root != nil {
		r.policy(p, root)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return p, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Hash is the SHA-256, in hex, of the file's bytes.
func (p *Policy) Hash() string { return p.hash }

// Text is the file's bytes, from which [Parse] makes the same policy again.
func (p *Policy) Text() []byte { return bytes.Clone(p.text) }

// Name is how messages call the policy: its file.
func (p *Policy) Name() string { return p.name }

// String is how logs call the policy.
func (p *Policy) String() string {
	return fmt.Sprintf("%s: %s, %s, sha256 %s",
		p.name, describe.Plural(len(p.rules), "rule"), describe.Plural(len(p.groups), "group"), p.hash)
}

// builtIn is the policy of a worker without a file. Its hash is that of this text.
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
	if err != nil { // a test makes sure that it is none; an empty policy refuses every grant
		return &Policy{
			name: "built-in policy", text: []byte(builtIn), hash: digest([]byte(builtIn)), zone: time.UTC,
		}
	}
	return p
})

// BuiltIn is the policy of a worker without a file: one approval by anyone but the
// requester within 72 h, for at most 366 days or for good. Revokes need none.
func BuiltIn() *Policy { return parsedBuiltIn() }

// Fold makes names of people comparable; see [access.Fold].
func Fold(name string) string { return access.Fold(name) }
