package envvar

import (
	"errors"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrEncode says how to write a user name and a password in a URL.
var ErrEncode = errors.New("a special character of its user name or password is not percent-encoded " +
	"(@ is %40, : is %3A, / is %2F, ? is %3F, # is %23, % is %25, a blank is %20)")

// CheckURL fails with [ErrEncode] where a URL would be read otherwise than it was meant, so that a
// part of its password would be taken for a host, a port or a path, be asked of DNS and be printed:
//   - an @, or another delimiter, stands in the password as it is
//   - a % does not begin a percent-encoded byte
//
// An @ behind a host with a port is ambiguous, and refused too. mayHold names the parameters of the
// query whose values may contain an @.
func CheckURL(raw string, mayHold ...string) error {
	_, rest, found := strings.Cut(raw, "://")
	if !found {
		return nil // the caller refuses it
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, behind := rest[:end], rest[end:]
	switch strings.Count(authority, "@") {
	case 0:
		if hasPort(authority) && strings.Contains(withoutParameters(behind, mayHold), "@") {
			return ErrEncode
		}
		return nil
	case 1:
	default:
		return ErrEncode
	}
	userinfo, _, _ := strings.Cut(authority, "@")
	user, password, _ := strings.Cut(userinfo, ":")
	for _, part := range []string{user, password} {
		text, err := url.PathUnescape(part)
		if err != nil || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return ErrEncode // as of 5%CA, whose % stands for itself
		}
	}
	if strings.ContainsAny(userinfo, " \t\"<>\\^`{|}[]") {
		return ErrEncode
	}
	return nil
}

// hasPort says that something follows the host, be it a port or the begin of a password.
func hasPort(authority string) bool {
	if strings.HasPrefix(authority, "[") { // IPv6
		_, after, _ := strings.Cut(authority, "]")
		return strings.HasPrefix(after, ":")
	}
	return strings.Contains(authority, ":")
}

// withoutParameters is the part of a URL behind its host, without the values of some parameters.
func withoutParameters(behind string, names []string) string {
	path, query, found := strings.Cut(behind, "?")
	if !found {
		return behind
	}
	kept := []string{path}
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known || strings.Contains(pair, "#") {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}
