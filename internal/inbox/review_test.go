package inbox

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What started at once is told apart on every screen, and can be looked for.
func TestReview(t *testing.T) {
	t.Parallel()
	desk := newDesk("a", "b")
	desk.change("b", func(s *Sheet) {
		s.Review, s.Shortens = true, false
		s.Facts = []Fact{{Name: "review", Text: "it is in force", Warns: true}}
	})
	term := open(t, desk)
	require.Contains(t, term.lineOf("Acme / b"), "review: give ana")
	require.NotContains(t, term.lineOf("Acme / a"), "review")
	term.press("/")
	term.typeIn("review")
	require.NotContains(t, term.see(), "Acme / a")
	term.press("enter", "enter")
	require.Contains(t, term.lineOf("Acme / b"), "review: give ana")
	require.Regexp(t, `review +it is in force`, term.see())
	term.press("a")
	require.Contains(t, term.see(), "review: give ana")
	require.NotContains(t, term.see(), fieldShorter, "a review shortens nothing")
}
