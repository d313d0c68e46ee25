package config

import (
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/envvar"
	"sentinelone-provisioner/internal/signing"
)

// Signing names the files of allowed and revoked keys. Without a file of allowed
// signers, signatures are not required and names are not verified; Mode can forbid that.
type Signing struct {
	Allowed string `env:"ALLOWED_SIGNERS" file:"rules"         help:"file of the keys that may sign requests and decisions, in the format of OpenSSH (ALLOWED SIGNERS in ssh-keygen(1)); unset: names are not verified"`
	Revoked string `env:"ALLOWED_SIGNERS_REVOKED" file:"rules" help:"file of revoked public keys, one per line: their signatures are rejected"`
	Mode    string `env:"SIGNATURES"              help:"required: the worker does not start without ALLOWED_SIGNERS; optional: it starts, and without ALLOWED_SIGNERS names are claims" envDefault:"optional"`
}

// Values of SIGNATURES.
const (
	signaturesOptional = "optional"
	signaturesRequired = "required"
)

// Required says whether every request and decision must be signed.
func (s Signing) Required() bool { return s.Allowed != "" || s.Mode == signaturesRequired }

// Unverified says what it means that ALLOWED_SIGNERS is not set, and what to do; it is ""
// if the variable is set.
func (s Signing) Unverified() string {
	if s.Allowed != "" {
		return ""
	}
	return "ALLOWED_SIGNERS is not set: names are claims that are not verified, so one person can be the requester, " +
		"both approvers and the reviewer; set it (docs/signing.md), and SIGNATURES=required to insist on it"
}

// Signers reads both files; it returns nil without an error if neither is set and SIGNATURES
// is optional. The error joins all faults, each with file and line.
func (s Signing) Signers() (*signing.AllowedSigners, error) {
	switch {
	case s.Mode != signaturesOptional && s.Mode != signaturesRequired:
		return nil, fmt.Errorf("SIGNATURES is %s: set it to optional or required", envvar.Shown(s.Mode))
	case s.Mode == signaturesRequired && s.Allowed == "":
		return nil, errors.New("SIGNATURES is required, but ALLOWED_SIGNERS is not set: " +
			"set it to a file of the keys that may sign (`starter signers add` writes one)")
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
