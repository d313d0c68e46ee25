package console

// Secret is a text that must not be seen, such as the token of a service user that
// was just made. It prints as "[redacted]" in every format, in JSON and in slog;
// Reveal is the one way to it. Hand it over and forget it: a console shows it once.
type Secret struct {
	hidden
	reveal func() string // as in staticToken, so that no format finds it
}

func newSecret(text string) Secret { return Secret{reveal: func() string { return text }} }

// Reveal returns the text itself, "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}
