package console

// Secret is a text that must not be printed, such as the token of a new service user. It prints
// as "[redacted]" in every format, in JSON and in slog; only Reveal returns it. A console shows
// a token only once: deliver it, and do not store it.
type Secret struct {
	hidden
	reveal func() string // a closure for the same reason as in staticToken
}

func newSecret(text string) Secret { return Secret{reveal: func() string { return text }} }

// Reveal returns the text itself, "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}
