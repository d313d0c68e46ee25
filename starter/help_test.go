package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// avoidedPhrases hide a term of the field, or are riddles to a reader whose first
// language is not English. The comment of each group names the term to use.
var avoidedPhrases = []string{
	// request, requester, requested
	"asked wrongly", "asked for by", "asks for and against", "who asks", "what was asked", "ask again", "was asked for",
	"for roles and against them",
	// decision, approve, deny, approver
	"your word", "a word from", "your yes", "your yes or no", "say yes", "asks for a yes", "for a yes", "no yes",
	"gives a role alone", "has a say", "have a say", "have no say", "said yes", "said no", "consents to",
	// pending
	"all that waits", "what waits for", "waits for your", "waits for somebody",
	// delegation, delegate, delegator
	"hand over your decisions", "handed over", "hand your decisions", "speaks for", "speak for",
	"decides in your place",
	// principal, recipient
	"whoever would get", "who would get", "would get the role", "whoever", "somebody else who",
	// permanent, time-bound
	"for good", "for a time", "for ever",
	// granted, revoked, released, removed
	"taken back", "take back", "takes back", "take a role back", "takes away", "taken away", "take away",
	"lets go of", "is there again",
	// cancelled
	"called off", "call off", "call a grant off", "calls off", "call it off",
	// verified, proof
	"proven to be", "read twice to be", "and prove it", "proves that it saw",
	// separation of duties
	"two duties",
	// outcome, result
	"what became of", "what it came to", "came to nothing", "how it went",
	// cannot determine, unknown
	"cannot be told", "who asks is", "which console is not", "is not said", "nobody knows",
	// invalid, unknown
	"is no length", "is no output", "is no role", "is no format", "is no request", "is no receipt", "is no column",
	// "retry", "continue", "while"
	"so long as it", "goes by", "goes on without", "insists", "tries once more",
	// sentences
	"a database you can ask", "cannot mean", "nobody gives", "hands out", "of its own accord", "made anew", "asks anew",
	"by itself, every so often", "comes back to it",
}

// Help texts and documents use the terms of the glossary in docs/architecture.md.
func TestAvoidedPhrases(t *testing.T) {
	t.Parallel()
	texts := helpTexts()
	require.Greater(t, len(texts), 150, "every command and flag has a help text")
	maps.Copy(texts, documents(t))
	var found []string
	for where, text := range texts {
		text = strings.ToLower(spaces.ReplaceAllString(text, " "))
		for _, phrase := range avoidedPhrases {
			if at := phrasePattern(phrase).FindStringIndex(text); at != nil {
				found = append(found, where+": "+excerpt(text, at))
			}
		}
	}
	slices.Sort(found)
	require.Empty(t, found, "replace these with terms of the glossary:\n%s", strings.Join(found, "\n"))
}

var spaces = regexp.MustCompile(`\s+`)

func phrasePattern(phrase string) *regexp.Regexp {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(phrase) + `\b`)
}

// excerpt is a match with the words around it.
func excerpt(text string, at []int) string {
	const around = 30
	return "…" + text[max(0, at[0]-around):min(len(text), at[1]+around)] + "…"
}

// helpTexts are the help texts of all commands and flags, by where they are.
func helpTexts() map[string]string {
	texts := map[string]string{}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		texts[path+" (short)"], texts[path+" (long)"], texts[path+" (example)"] = cmd.Short, cmd.Long, cmd.Example
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { texts[path+" --"+f.Name] = f.Usage })
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
	return texts
}

// documents are the README and everything below docs, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	paths := []string{"../README.md", "../CONTRIBUTING.md"}
	err := filepath.WalkDir("../docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			paths = append(paths, path)
		}
		return err
	})
	require.NoError(t, err)
	require.Greater(t, len(paths), 5)
	texts := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		texts[path] = string(text)
	}
	return texts
}
