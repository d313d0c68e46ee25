// Package supportbundle makes texts fit to be attached to a public report: it removes secrets always, and
// names of people, sites, accounts, roles and hosts unless they are wanted.
package supportbundle

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// Removed stands for a text that was left out as a whole.
const Removed = "[removed]"

const secret = "[secret]"

// Scrubber removes what must not be in a report. The same name gets the same number in all of it.
type Scrubber struct {
	// WithNames keeps names; secrets are removed all the same.
	WithNames bool

	secrets []string
	names   map[string]bool // folded
	numbers map[string]int
}

// NewScrubber returns a scrubber that knows no secret and no name yet.
func NewScrubber(withNames bool) *Scrubber {
	return &Scrubber{WithNames: withNames, names: map[string]bool{}, numbers: map[string]int{}}
}

// shortest is the length from which a text is taken for a secret wherever it stands.
const shortest = 4

// AddSecret has a value removed wherever it stands, as it is and as JSON and URLs write it.
func (s *Scrubber) AddSecret(value string) {
	for _, line := range secretsIn(value) {
		if len(line) < shortest {
			continue
		}
		quoted, _ := json.Marshal(line) // a string has no reason to fail
		for _, form := range []string{
			line, strings.Trim(string(quoted), `"`), url.QueryEscape(line), url.PathEscape(line),
		} {
			if !slices.Contains(s.secrets, form) {
				s.secrets = append(s.secrets, form)
			}
		}
	}
	slices.SortFunc(s.secrets, func(a, b string) int { return len(b) - len(a) }) // a secret may be in another
}

// secretsIn are the lines of a value and, where a line is a name and a secret, the secret.
func secretsIn(value string) (out []string) {
	for line := range strings.Lines(value) {
		line = strings.TrimSpace(line)
		out = append(out, line)
		if _, after, found := strings.Cut(line, ":"); found && !strings.HasPrefix(after, "//") {
			out = append(out, strings.TrimSpace(after))
		}
	}
	return out
}

// AddURL has the user and the password of a URL removed, however the URL is broken.
func (s *Scrubber) AddURL(value string) {
	_, rest, found := strings.Cut(value, "://")
	at := strings.LastIndexByte(rest, '@')
	if !found || at < 0 {
		return
	}
	s.AddSecret(rest[:at])
	if _, password, found := strings.Cut(rest[:at], ":"); found {
		s.AddSecret(password)
		if decoded, err := url.PathUnescape(password); err == nil {
			s.AddSecret(decoded)
		}
	}
}

// containers are hosts of docker-compose.yaml: they name no machine, and messages need the words.
var containers = []string{"localhost", "temporal", "postgres", "console-simulator"}

// AddHost has the hosts of a URL, or of a host with a port, removed: one without a domain looks like any other word. A
// URL of PostgreSQL may name several, separated by commas, and also in its parameter host.
func (s *Scrubber) AddHost(value string) {
	_, rest, found := strings.Cut(value, "://")
	if !found {
		rest = value
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority := rest[:end]
	list := authority[strings.LastIndexByte(authority, '@')+1:]
	if _, query, found := strings.Cut(rest[end:], "?"); found {
		parameters, _ := url.ParseQuery(query) // those that can be read
		list += "," + strings.Join(parameters["host"], ",")
	}
	for host := range strings.SplitSeq(list, ",") {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host = strings.Trim(host, "[]"); !slices.Contains(containers, host) {
			s.AddName(host)
		}
	}
}

// AddName has a name removed wherever it stands as words of its own, in any case.
func (s *Scrubber) AddName(name string) {
	if at := wordsIn(name); len(at) > 0 {
		s.names[access.FoldLabel(name[at[0][0]:at[min(len(at), maxWords)-1][1]])] = true
	}
}

// maxWords is how many words of a name are compared.
const maxWords = 10

var (
	word = regexp.MustCompile(`[\p{L}\p{M}\p{N}]+`)
	// secretForms are what secrets look like, also those that no setting names.
	secretForms = []*regexp.Regexp{
		regexp.MustCompile(`(?s)-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|$)`),
		regexp.MustCompile(`(?i)\b(apitoken|bearer|basic)[ :=]+[^\s",;]+`),
		regexp.MustCompile(`(?i)\b(password|passwd|pwd|secret|token|api[_-]?key|authorization)` +
			`["']?\s*[=:]\s*["']?[^\s"',;&]+`),
		regexp.MustCompile(`\beyJ[\w-]+\.[\w-]+(\.[\w-]+)?`),
		regexp.MustCompile(`\bwhsec_[\w+/=-]+`),
		regexp.MustCompile(`(?i)https?://hooks\.[^\s"]+`),
		regexp.MustCompile(`[A-Za-z0-9+/_-]{40,}={0,2}`),
	}
	userinfo = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s"]*@`)
	address  = regexp.MustCompile(`[^\s"'<>(),;:=\[\]{}]+@[^\s"'<>(),;:=\[\]{}]+`)
	hosts    = regexp.MustCompile(
		`(?i)([a-z][a-z0-9+.-]*://)[^\s"'/?#,;]+|` +
			`\b(?:[a-z0-9_-]+\.)+[a-z]{2,}(?::\d+)?\b|\b\d+\.\d+\.\d+\.\d+(?::\d+)?\b`)
	// permission is the end of the name of a permission, as in Service Users.view: no host is called so.
	permission = regexp.MustCompile(`^[A-Z][a-z]+\.(view|edit)$`)
	// The last part of a path may have been taken for a host.
	paths  = regexp.MustCompile(`(^|[\s"'=:(])(/(\[host \d+\]|[^\s"',;:)])+)+`)
	quoted = regexp.MustCompile(`\\?"[^"]*"|'[^'\s][^']*'|“[^”]*”`)
)

// Secrets removes secrets alone.
func (s *Scrubber) Secrets(text string) string {
	for _, value := range s.secrets {
		text = strings.ReplaceAll(text, value, secret)
	}
	text = userinfo.ReplaceAllString(text, "${1}"+secret+"@")
	for _, form := range secretForms {
		text = form.ReplaceAllString(text, secret)
	}
	return text
}

// Text removes secrets and, unless names are wanted, everything that may be a name: addresses, hosts,
// paths, what stands in quotes, and the names that are known.
func (s *Scrubber) Text(text string) string {
	text = s.Secrets(text)
	if s.WithNames {
		return text
	}
	text, _, _ = strings.Cut(text, "did you mean")
	text = quoted.ReplaceAllString(text, "[name]")
	text = address.ReplaceAllStringFunc(text, func(found string) string { return s.numbered("e-mail", found) })
	text = hosts.ReplaceAllStringFunc(text, func(found string) string {
		if permission.MatchString(found) {
			return found
		}
		return s.numbered("host", found)
	})
	text = paths.ReplaceAllString(text, "${1}[path]")
	return s.withoutNames(text)
}

// numbered replaces a name, the same one by the same number.
func (s *Scrubber) numbered(kind, name string) string {
	key := kind + " " + access.FoldLabel(name)
	if s.numbers[key] == 0 {
		s.numbers[key] = len(s.numbers) + 1
	}
	return fmt.Sprintf("[%s %d]", kind, s.numbers[key])
}

func wordsIn(text string) [][]int { return word.FindAllStringIndex(text, -1) }

// withoutNames looks each run of words up, the longest first.
func (s *Scrubber) withoutNames(text string) string {
	at := wordsIn(text)
	var out strings.Builder
	end := 0
	for i := 0; i < len(at); i++ {
		for j := min(i+maxWords, len(at)) - 1; j >= i; j-- {
			name := text[at[i][0]:at[j][1]]
			if s.names[access.FoldLabel(name)] {
				out.WriteString(text[end:at[i][0]] + s.numbered("name", name))
				end, i = at[j][1], j
				break
			}
		}
	}
	return out.String() + text[end:]
}

// JSON scrubs a value for a file: of the texts in it, those under the given keys stay, scrubbed; others
// are left out unless names are wanted.
func (s *Scrubber) JSON(value any, keep ...string) ([]byte, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(encoded, &tree); err != nil {
		return nil, err
	}
	return json.MarshalIndent(s.tree(tree, "", keep), "", "  ")
}

func (s *Scrubber) tree(value any, key string, keep []string) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, inner := range v {
			out[s.Secrets(k)] = s.tree(inner, k, keep)
		}
		return out
	case []any:
		for i := range v {
			v[i] = s.tree(v[i], key, keep)
		}
		return v
	case string:
		switch {
		case v == "" || isTime(v):
			return v
		case !s.WithNames && !slices.Contains(keep, key):
			return Removed
		}
		return s.Text(v)
	}
	return value
}

var timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$`)

func isTime(text string) bool { return timestamp.MatchString(text) }
