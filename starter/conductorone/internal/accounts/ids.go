package accounts

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// idLength is the length of the hash in workflow ids, in characters: 128 bits.
const idLength = 32

// requestID is the id of a request, without prefix. The same wish of ConductorOne has the same id, so that a task
// that comes again attaches to the request that runs. Names and addresses are hashed: Temporal does not encrypt ids.
func requestID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "c1-" + hex.EncodeToString(sum[:])[:idLength]
}
