package inbox

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/stretchr/testify/require"
)

func TestSheet(t *testing.T) {
	t.Parallel()
	desk := newDesk("grant/1")
	term := open(t, desk)
	term.press("enter")
	screen := term.see()
	for _, want := range []string{
		"who asks  bob@example.com", "reason    INC of grant/1", "until     2026-03-03 12:30 UTC (30 min left)",
		"before      Viewer at site Acme / Bonn", "after       Viewer at site Acme / Bonn",
		"          + SOC at grant/1",
		"note      takes effect at once",
		"steps     1. open: 1 of 2 from leads; may decide: carol@example.com", "2. later: 0 of 1 from ciso",
		"decided   approve by dave@example.com at 2026-03-03 11:00 UTC, for 2h: fine (SHA", "plan      hash of grant/1",
	} {
		require.Contains(t, strings.Join(strings.Fields(screen), " "), strings.Join(strings.Fields(want), " "))
	}
	desk.change("grant/1", func(s *Sheet) { s.Closed = "it is decided already: approved, last by dave@example.com" })
	term.later()
	require.Contains(t, term.see(), "closed    it is decided already: approved, last by dave@example.com")
	require.NotContains(t, term.see(), "min left")
	delete(desk.sheets, "grant/1")
	term.later()
	require.Contains(t, term.see(), "not read: nobody knows it")
	require.Contains(t, term.see(), "plan      hash", "what was read is still there")
	term.press("esc")
	require.Contains(t, term.see(), "Nothing waits")
}

func TestSheet_Scrolls(t *testing.T) {
	t.Parallel()
	term := open(t, newDesk("a"))
	term.resize(80, 10)
	term.press("enter")
	require.Regexp(t, `\d+ more lines below: page down`, term.see())
	require.NotContains(t, term.see(), "hash of a")
	term.press("end")
	require.Contains(t, term.see(), "hash of a")
	require.NotContains(t, term.see(), "below")
	term.press("up", "home")
	require.Contains(t, term.see(), "what      give")
}

// A late answer about another request does not replace what is looked at.
func TestSheet_LateAnswer(t *testing.T) {
	t.Parallel()
	term := open(t, newDesk("a", "b"))
	term.hold = true
	term.press("enter", "esc", "down", "enter")
	held := term.held
	require.Len(t, held, 2)
	term.hold, term.held = false, nil
	term.do(held[1])
	term.do(held[0])
	require.Contains(t, term.see(), "plan      hash of b")
}

func TestForm_Approve(t *testing.T) {
	t.Parallel()
	term := open(t, newDesk("a", "b"))
	term.press("a")
	require.Contains(t, term.see(), "Approve 1 request as carol@example.com")
	require.Contains(t, term.see(), "+ SOC at a", "the plan is shown")
	term.typeIn("on call q?")
	term.press("enter")
	term.typeIn("90m")
	term.press("enter")
	for _, no := range []string{"", "y"} {
		term.typeIn(no)
		term.press("enter")
		require.Contains(t, term.see(), "nothing is sent: that was no yes")
		require.Empty(t, term.decisions())
	}
	term.typeIn("es")
	term.press("enter")
	same(t, []Decision{
		{ID: "a", Plan: "hash of a", Action: Approve, Comment: "on call q?", For: 90 * time.Minute},
	}, term.decisions())
	require.Contains(t, term.see(), "done      a: approve by carol@example.com")
	term.press("enter")
	require.Contains(t, term.see(), "1 waiting")
	require.NotContains(t, term.see(), "Acme / a")
	require.Equal(t, []string{"a: approve by carol@example.com"}, term.m.log)
}

func TestForm_DenyFromTheSheet(t *testing.T) {
	t.Parallel()
	term := open(t, newDesk("a"))
	term.press("enter", "d")
	require.NotContains(t, term.see(), "only for", "a denial is for no time")
	term.press("enter")
	term.typeIn("YES")
	term.press("enter")
	same(t, []Decision{{ID: "a", Plan: "hash of a", Action: Deny}}, term.decisions())
}

// Several are decided one after another; one that is refused keeps its mark and does not
// keep the others from theirs.
func TestForm_Several(t *testing.T) {
	t.Parallel()
	desk := newDesk("a", "b", "c", "d")
	desk.refuse["b"] = errors.New("it is decided already: denied, last by dave@example.com at 2026-03-03T11:59:00Z")
	term := open(t, desk)
	term.press("*", "home", "space") // all but a
	desk.change("d", func(s *Sheet) { s.Closed = "it was cancelled" })
	term.press("a")
	require.Contains(t, term.see(), "Approve 3 requests")
	require.Contains(t, term.see(), "left out  d: it was cancelled")
	term.press("tab", "tab")
	term.typeIn("yes")
	term.hold = true
	term.press("enter")
	require.Contains(t, term.see(), "Sending 1 of 2")
	term.press("esc", "enter", "q") // it cannot be called back
	require.Contains(t, term.see(), "Sending 1 of 2")
	require.Len(t, term.held, 1)
	term.release()
	same(t, []Decision{{ID: "c", Plan: "hash of c", Action: Approve}}, term.decisions())
	screen := term.see()
	require.Contains(t, screen, "Approve: 2 sent, 2 not taken")
	require.Contains(t, screen, "failed    d: it was cancelled")
	require.Contains(t, screen, "failed    b: it is decided already: denied, last by dave@example.com at")
	require.Contains(t, screen, "done      c: approve")
	term.press("esc")
	require.Regexp(t, `\[x\]`, term.lineOf("Acme / b"))
	require.Regexp(t, `\[ \]`, term.lineOf("Acme / a"))
}

func TestForm_ShorterTime(t *testing.T) {
	t.Parallel()
	desk := newDesk("a", "b")
	desk.change("b", func(s *Sheet) { s.Length = 2 * time.Hour })
	for text, want := range map[string]string{
		"soon": `"soon" is no length of time: write 2h`, "-1h": `"-1h" is no length`,
		"3h": "b was asked for 2h0m0s: you may shorten that",
	} {
		term := open(t, desk)
		term.press("*", "a", "tab")
		term.typeIn(text)
		term.press("enter")
		require.Contains(t, term.see(), want)
		term.press("tab")
		term.typeIn("yes")
		term.press("enter")
		require.Contains(t, term.see(), want)
		require.Empty(t, term.decisions())
	}
	desk.change("b", func(s *Sheet) { s.Shortens = false })
	term := open(t, desk)
	term.press("*", "a")
	require.NotContains(t, term.see(), "only for")
}

// What is decided is what is on the screen: a plan that changes while the form is open is
// not swapped under the person's yes, and the desk is told which one it was.
func TestForm_DecidesWhatWasShown(t *testing.T) {
	t.Parallel()
	desk := newDesk("a")
	term := open(t, desk)
	term.press("a")
	desk.change("a", func(s *Sheet) { s.Plan, s.After = "another", []string{"Admin at the tenant"} })
	term.later()
	require.NotContains(t, term.see(), "Admin")
	term.press("tab", "tab")
	term.typeIn("yes")
	term.press("enter")
	require.Equal(t, "hash of a", term.decisions()[0].Plan)
}

// An answer that comes after the person has gone on to something else changes nothing.
func TestForm_LeftBeforeItIsRead(t *testing.T) {
	t.Parallel()
	term := open(t, newDesk("a", "b"))
	term.hold = true
	term.press("a", "enter")
	require.Contains(t, term.see(), "Reading the plans")
	term.press("esc", "down", "d")
	held := term.held
	term.hold, term.held = false, nil
	term.do(held[0])
	require.Contains(t, term.see(), "Reading the plans", "that was about another request")
	term.do(held[1])
	require.Contains(t, term.see(), "Deny 1 request")
	require.Contains(t, term.see(), "hash of b")
}

func TestForm_NothingLeftToDecide(t *testing.T) {
	t.Parallel()
	desk := newDesk("a")
	term := open(t, desk)
	desk.change("a", func(s *Sheet) { s.Closed = "it is decided already" })
	term.press("a")
	require.Contains(t, term.see(), "left out  a: it is decided already")
	term.press("tab", "y", "enter")
	require.Contains(t, term.see(), "Inbox of")
	require.Empty(t, term.decisions())
}

// A text that is pasted cannot press enter.
func TestForm_Paste(t *testing.T) {
	t.Parallel()
	term := open(t, newDesk("a"))
	term.press("d")
	term.send(tea.PasteMsg{Content: "see INC-42\n\nyes\n"})
	require.Contains(t, term.see(), "comment   see INC-42")
	require.Empty(t, term.decisions())
	require.Equal(t, 0, term.m.form.at)
}

// What was taken is not selected any more, even if the list cannot be read again.
func TestForm_TakesTheMarksOff(t *testing.T) {
	t.Parallel()
	desk := newDesk("a", "b")
	desk.refuse["b"] = errors.New("no")
	term := open(t, desk)
	term.press("*", "d", "tab")
	term.typeIn("yes")
	desk.silent = errors.New("Temporal does not answer")
	term.press("enter", "enter")
	require.Regexp(t, `\[ \]`, term.lineOf("Acme / a"))
	require.Regexp(t, `\[x\]`, term.lineOf("Acme / b"))
}
