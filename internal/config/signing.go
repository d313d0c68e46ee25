package config

import (
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/signing"
)

// Signing names the files of allowed and revoked keys. Without a file of allowed
// signers, signatures are not required and names are not verified.
type Signing struct {
	Allowed string `env:"ALLOWED_SIGNERS"         help:"file of the keys that may sign requests and decisions, in the format of OpenSSH (ALLOWED SIGNERS in ssh-keygen(1)); unset: names are not verified"`
	Revoked string `env:"ALLOWED_SIGNERS_REVOKED" help:"file of revoked public keys, one per line: their signatures are rejected"`
}

// Signers reads both files; it returns nil without an error if neither is set. The
// error joins all faults, each with file and line.
func (s Signing) Signers() (*signing.AllowedSigners, error) {
	switch {
	case s.Allowed == "" && s.Revoked == "":
		return nil, nil
	case s.Allowed == s.Revoked:
		return nil, errors.New("ALLOWED_SIGNERS and ALLOWED_SIGNERS_REVOKED name the same file: " +
			"this would revoke every key; use two files")
	case s.Allowed == "":
		return nil, errors.New("ALLOWED_SIGNERS_REVOKED is set, but ALLOWED_SIGNERS is not: " +
			"set it too, or no signature is required")
	}
	signers, err := signing.LoadAllowedSigners(s.Allowed, s.Revoked)
	if err != nil {
		return nil, errors.Join(s.namingVariable(err)...)
	}
	return signers, nil
}

// namingVariable puts the variable in front of each fault of its file.
func (s Signing) namingVariable(err error) (out []error) {
	switch e := err.(type) { //nolint:errorlint // the point is the outermost shape
	case *signing.FileError:
		variable := "ALLOWED_SIGNERS"
		if e.Path == s.Revoked {
			variable = "ALLOWED_SIGNERS_REVOKED"
		}
		for _, fault := range e.Faults() {
			out = append(out, fmt.Errorf("%s: %w", variable, fault))
		}
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			out = append(out, s.namingVariable(part)...)
		}
	default:
		out = append(out, err)
	}
	return out
}

// Validate returns all faults of the files, joined.
func (s Signing) Validate() error {
	_, err := s.Signers()
	return err
}
