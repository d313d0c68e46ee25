package config

import (
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/signing"
)

// Signing is whose signatures count. Without a file of allowed signers, requests and
// decisions are taken as claimed.
type Signing struct {
	Allowed string `env:"ALLOWED_SIGNERS"         help:"file of the keys that may sign requests and decisions, as in OpenSSH (ALLOWED SIGNERS in ssh-keygen(1)); unset: names are taken as claimed"`
	Revoked string `env:"ALLOWED_SIGNERS_REVOKED" help:"file of public keys, one a line, whose signatures no longer count"`
}

// Signers reads both files; nil without any. Every fault in them is in the error, each
// with its line.
func (s Signing) Signers() (*signing.AllowedSigners, error) {
	switch {
	case s.Allowed == "" && s.Revoked == "":
		return nil, nil
	case s.Allowed == s.Revoked:
		return nil, errors.New("ALLOWED_SIGNERS and ALLOWED_SIGNERS_REVOKED name the same file: " +
			"no key would be left")
	case s.Allowed == "":
		return nil, errors.New("ALLOWED_SIGNERS_REVOKED is set, but ALLOWED_SIGNERS is not: " +
			"without it no signature is asked for")
	}
	signers, err := signing.LoadAllowedSigners(s.Allowed, s.Revoked)
	if err != nil {
		return nil, errors.Join(s.named(err)...)
	}
	return signers, nil
}

// named puts the variable before each fault of its file.
func (s Signing) named(err error) (out []error) {
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
			out = append(out, s.named(part)...)
		}
	default:
		out = append(out, err)
	}
	return out
}

// Validate joins what is wrong with the files.
func (s Signing) Validate() error {
	_, err := s.Signers()
	return err
}
