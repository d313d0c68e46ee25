package signing

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/textfile"
)

// krlMagic begins OpenSSH's binary key revocation lists.
const krlMagic = "SSHKRL\n\x00"

// revocations maps each revoked key, in wire format, to its line.
func (a *AllowedSigners) revocations() (map[string]int, error) {
	if a.revoked == "" {
		return nil, nil
	}
	text, err := os.ReadFile(a.revoked)
	if err != nil {
		return nil, &FileError{a.revoked, unreadable(err)}
	}
	out, err := parseRevoked(text)
	if err != nil {
		return nil, &FileError{a.revoked, err}
	}
	return out, nil
}

// parseRevoked reads public keys, one a line, as `ssh-keygen -Y verify -r` takes them. An empty
// file is valid.
func parseRevoked(text []byte) (map[string]int, error) {
	if bytes.HasPrefix(text, []byte(krlMagic)) {
		return nil, errors.New("it is a binary KRL, which is not supported: list the revoked public keys, one a line")
	}
	if _, err := textfile.Text(text); err != nil {
		return nil, err
	}
	out := map[string]int{}
	var faults []error
	for n, line := range lines(text) {
		key, err := parseRevokedKey(line)
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		out[string(key.Marshal())] = n
	}
	return out, errors.Join(faults...)
}

func parseRevokedKey(line string) (ssh.PublicKey, error) {
	if err := checkLine(line); err != nil {
		return nil, err
	}
	return parseKey(line)
}
