package inbox

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Every screen marks a break-glass review, and the filter finds it.
func TestReview(t *testing.T) {
	t.Parallel()
	backend := newBackend("a", "b")
	backend.change("b", func(s *Detail) {
		s.Review, s.Shortens = true, false
		s.Facts = []Fact{{Name: "review", Text: "the role is applied", Warns: true}}
	})
	term := openInbox(t, backend)
	require.Contains(t, term.lineOf("Acme / b"), "review: give ana")
	require.NotContains(t, term.lineOf("Acme / a"), "review")
	term.press("/")
	term.typeIn("review")
	require.NotContains(t, term.screen(), "Acme / a")
	term.press("enter", "enter")
	require.Contains(t, term.lineOf("Acme / b"), "review: give ana")
	require.Regexp(t, `review +the role is applied`, term.screen())
	term.press("a")
	require.Contains(t, term.screen(), "review: give ana")
	require.NotContains(t, term.screen(), fieldShorter, "a review has no shorter time")
}
