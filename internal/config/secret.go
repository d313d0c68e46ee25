package config

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a text that never prints: with no verb of fmt, not as JSON, not in a log
// record.
type Secret struct {
	// reveal hides the text in a closure: fmt prints unexported fields of any
	// struct that holds it without asking, and prints a func as an address.
	reveal func() string
	set    bool // tells an empty variable from a missing one
}

// UnmarshalText implements encoding.TextUnmarshaler for the environment.
func (s *Secret) UnmarshalText(text []byte) error {
	value := string(text)
	*s = Secret{reveal: func() string { return value }, set: true}
	return nil
}

func (s Secret) value() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// Format implements fmt.Formatter: verbs such as %d would print the fields.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements encoding.TextMarshaler, and so JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
