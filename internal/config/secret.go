package config

import "log/slog"

const redacted = "[redacted]"

// Secret is text that never prints: not with %v or %#v, not as JSON, not in a
// log record.
type Secret struct {
	value string
	set   bool // tells an empty variable from a missing one
}

// UnmarshalText implements encoding.TextUnmarshaler for the environment.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret{value: string(text), set: true}
	return nil
}

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return redacted }

// MarshalText implements encoding.TextMarshaler, and so JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
