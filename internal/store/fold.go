package store

import "strings"

// fold makes texts compare without regard to case.
func fold(s string) string {
	return strings.ToLower(strings.TrimSpace(strings.ReplaceAll(s, "\x00", "")))
}
