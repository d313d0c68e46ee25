package signing

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// options reads the options between principals and key.
func (s *signer) options(text string) error {
	seen := map[string]bool{}
	for {
		name, rest, err := s.option(text)
		switch {
		case err != nil:
			return err
		case seen[name]:
			return fmt.Errorf("option %s is given twice", name)
		case rest == "":
			return s.consistent()
		case rest[0] != ',':
			return fmt.Errorf("option %s is followed by %.20q: separate options with commas", name, rest)
		case rest == ",":
			return errors.New("the options end in a comma")
		}
		seen[name] = true
		text = rest[1:]
	}
}

// option reads the first option and returns the rest. Keywords are case-insensitive.
func (s *signer) option(text string) (name, rest string, err error) {
	i := strings.IndexAny(text, "=,")
	if i < 0 {
		i = len(text)
	}
	name = strings.ToLower(text[:i])
	switch name {
	case "cert-authority":
		return name, "", errors.New("cert-authority is not supported: list each person's own key")
	case "namespaces", "valid-after", "valid-before":
	default:
		return name, "", fmt.Errorf("unknown option %.40q: use namespaces, valid-after or valid-before", text[:i])
	}
	value, rest, err := dequote(strings.TrimPrefix(text[i:], "="))
	if err != nil {
		return name, "", fmt.Errorf("option %s: %w", name, err)
	}
	if name == "namespaces" {
		s.namespaces = &value
		return name, rest, nil
	}
	at, err := parseTime(value)
	if err != nil {
		return name, "", fmt.Errorf("option %s: %w", name, err)
	}
	if name == "valid-after" {
		s.after = at
	} else {
		s.before = at
	}
	return name, rest, nil
}

func (s *signer) consistent() error {
	if !s.after.IsZero() && !s.before.IsZero() && !s.before.After(s.after) {
		return errors.New("valid-before is not after valid-after: the key would never be valid")
	}
	return nil
}

// dequote reads a value in double quotes, in which \" stands for a quote.
func dequote(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		return "", "", errors.New(`its value must be in double quotes, as in namespaces="` + Namespace + `"`)
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), text[i+1:], nil
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == '"':
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", errors.New("its closing quote is missing")
}

// parseTime reads YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, in UTC if a Z follows,
// else in the machine's time zone, as OpenSSH does.
func parseTime(text string) (time.Time, error) {
	digits, zone := text, time.Local
	for _, suffix := range []string{"Z", "UTC"} {
		if n := len(text) - len(suffix); n > 0 && strings.EqualFold(text[n:], suffix) {
			digits, zone = text[:n], time.UTC
		}
	}
	layout := "20060102150405"
	wrong := fmt.Errorf("invalid time %.30q: write it as 20260303Z or 202603031600Z", text)
	if n := len(digits); n != 8 && n != 12 && n != 14 || strings.Trim(digits, "0123456789") != "" {
		return time.Time{}, wrong
	}
	at, err := time.ParseInLocation(layout[:len(digits)], digits, zone)
	if err != nil || at.Unix() <= 0 {
		return time.Time{}, wrong
	}
	return at, nil
}
