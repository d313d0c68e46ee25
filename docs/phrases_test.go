package docs_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unclear are phrases that readers had to guess the meaning of, each with what to write
// instead. They are phrases and not single ordinary words, which mean what they always do.
var unclear = map[string]string{
	`for good`:                       "permanent",
	`for a time`:                     "time-bound, or until when",
	`(taken?|takes|took) (it )?back`: "removed, released, withdrawn",
	`call(s|ed)? (it )?off`:          "cancel",
	`hand(s|ed)? (it|them|\w+ decisions)( over)? to`: "delegate",
	`(your|person's|last) word`:                      "decision",
	`has a say`:                                      "is eligible",
	`(a|no) yes`:                                     "approval, confirmation",
	`consents? to`:                                   "approve",
	`wait(s|ing)? for consent`:                       "pending approval",
	`who asks`:                                       "requester",
	`would get (the|a|it)`:                           "recipient",
	`whoever`:                                        "name the role",
	`(became|came) of (it|them)`:                     "outcome, result",
	`what it came to`:                                "outcome, result",
	`goes on without`:                                "continues",
	`is no (length|output|request)`:                  "invalid, unknown",
	`asked wrongly`:                                  "usage error",
	`walk(s|ed)? again`:                              "drain again",
}

// hits lists the unclear phrases of a text with what to write instead.
func hits(text string) []string {
	var out []string
	text = strings.Join(strings.Fields(text), " ")
	for phrase, instead := range unclear {
		if found := regexp.MustCompile(`(?i)\b` + phrase + `\b`).FindString(text); found != "" {
			out = append(out, strconv.Quote(found)+": write "+instead)
		}
	}
	return out
}

func TestPages_HaveNoUnclearPhrase(t *testing.T) {
	t.Parallel()
	for path, page := range pages(t) {
		require.Empty(t, hits(code.ReplaceAllString(page, "")), path)
	}
}
