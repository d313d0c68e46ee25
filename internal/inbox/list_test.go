package inbox

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/stretchr/testify/require"
)

func TestList_SortsByDeadline(t *testing.T) {
	t.Parallel()
	backend := newBackend("a", "b", "c")
	backend.change("a", func(s *Detail) { s.Until = noon.Add(70 * time.Hour) })
	backend.change("c", func(s *Detail) { s.Until = noon.Add(-time.Minute) })
	term := openInbox(t, backend)
	screen := term.screen()
	require.Contains(t, screen, "Inbox of carol@example.com")
	require.Contains(t, screen, "3 pending  12:00:00 UTC")
	require.Less(t, strings.Index(screen, "Acme / c"), strings.Index(screen, "Acme / b"))
	require.Less(t, strings.Index(screen, "Acme / b"), strings.Index(screen, "Acme / a"))
	require.Regexp(t, `^> \[ \] .*bob@example.com +1/2 +over`, term.lineOf("Acme / c"))
	require.Contains(t, term.lineOf("Acme / b"), "60 min")
	require.Contains(t, term.lineOf("Acme / a"), "2 days")
}

func TestList_ColourByDeadline(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]string{
		30 * time.Minute: alarmStyle.Render("x"), 3 * time.Hour: warnStyle.Render("x"), 5 * time.Hour: "x",
	} {
		require.Equal(t, want, urgency(noon.Add(left), noon).Render("x"), left)
	}
	require.Contains(t, alarmStyle.Render("x"), "\x1b[")
}

// Cursor and marks stay on their requests when the list reloads.
func TestList_KeepsSelection(t *testing.T) {
	t.Parallel()
	backend := newBackend("a", "b", "c")
	term := openInbox(t, backend)
	term.press("down", "space") // on b, then down to c
	require.Regexp(t, `^  \[x\]`, term.lineOf("Acme / b"))
	require.Regexp(t, `^> \[ \]`, term.lineOf("Acme / c"))
	backend.change("0", func(s *Detail) { s.ID, s.Summary, s.Until = "0", "give Acme / 0", noon.Add(time.Minute) })
	backend.change("a", func(s *Detail) { s.Closed = "decided" })
	term.deliverDue()
	require.Contains(t, term.screen(), "Acme / 0")
	require.NotContains(t, term.screen(), "Acme / a")
	require.Regexp(t, `^  \[x\]`, term.lineOf("Acme / b"))
	require.Regexp(t, `^> \[ \]`, term.lineOf("Acme / c"))
	backend.change("b", func(s *Detail) { s.Closed = "decided" })
	backend.change("c", func(s *Detail) { s.Closed = "decided" })
	term.deliverDue()
	require.Regexp(t, `^> \[ \]`, term.lineOf("Acme / 0"), "the cursor moves to a listed request")
	require.NotContains(t, term.screen(), "selected")
	require.Len(t, term.due, 1, "exactly one next read is due")
}

func TestList_ReadsOnDemandOneAtATime(t *testing.T) {
	t.Parallel()
	backend := newBackend("a")
	term := openInbox(t, backend)
	term.press("r")
	require.Equal(t, 2, backend.reads)
	require.Len(t, term.due, 2)
	term.deliverDue()
	require.Equal(t, 3, backend.reads, "a read due for an earlier round is dropped")

	term.hold = true
	term.press("r", "r", "r")
	require.Len(t, term.held, 1)
	term.release()
	require.Equal(t, 5, backend.reads, "once more, since the answer may be older than the key press")
}

func TestList_Empty(t *testing.T) {
	t.Parallel()
	backend := newBackend()
	term := openInbox(t, backend)
	screen := term.screen()
	require.Contains(t, screen, "No request is pending for carol@example.com.")
	require.Contains(t, screen, "starter show ID")
	require.Contains(t, screen, "--by")
	term.press("enter", "a", "d", "space", "*", "up", "down", "end") // nothing to act on
	require.Equal(t, screen, term.screen())
}

func TestList_Fault(t *testing.T) {
	t.Parallel()
	backend := newBackend("a")
	backend.pendingErr = errors.New("Temporal does not answer")
	term := openInbox(t, backend)
	require.Contains(t, term.screen(), "Could not read the requests: Temporal does not answer")
	backend.pendingErr = nil
	term.deliverDue()
	require.Contains(t, term.screen(), "Acme / a")
	require.NotContains(t, term.screen(), "Temporal")

	backend.pendingErr = errors.New("Temporal does not answer")
	term.deliverDue()
	require.Contains(t, term.screen(), "could not reload: Temporal does not answer")
	require.Contains(t, term.screen(), "Acme / a", "the last successful read stays")

	backend.change("b", func(s *Detail) { s.ID, s.Summary = "b", "give Acme / b" })
	backend.partial = true
	term.deliverDue()
	require.Contains(t, term.screen(), "Acme / b")
	require.Contains(t, term.screen(), "could not reload")
}

func TestList_Filter(t *testing.T) {
	t.Parallel()
	backend := newBackend("alpha", "beta", "gamma")
	term := openInbox(t, backend)
	term.press("space", "/")
	term.typeIn("INC bet")
	screen := term.screen()
	require.Contains(t, screen, "/INC bet")
	require.NotContains(t, screen, "Acme / alpha")
	require.Regexp(t, `^> `, term.lineOf("Acme / beta"), "words may be anywhere, in any case")
	term.press("enter", "d") // a command again, not a letter of the filter
	require.Contains(t, term.screen(), "Deny 1 request", "the marked request, though the filter hides it")
	require.Contains(t, term.screen(), "INC of alpha")
	term.press("esc", "/")
	term.typeIn("x")
	require.Contains(t, term.screen(), "No pending request contains these words")
	term.press("esc")
	require.Contains(t, term.screen(), "Acme / gamma")
	require.NotContains(t, term.screen(), "/INC")
	term.press("/")
	term.send(tea.PasteMsg{Content: "gam\nma"})
	require.Contains(t, term.screen(), "/gam ma")
}

func TestList_LongerThanTheScreen(t *testing.T) {
	t.Parallel()
	var ids []string
	for r := 'A'; r <= 'Z'; r++ {
		ids = append(ids, string(r))
	}
	term := openInbox(t, newBackend(ids...))
	term.resize(80, 12)
	require.NotContains(t, term.screen(), "Acme / Z")
	for range 25 {
		term.press("down")
		require.Regexp(t, `(?m)^> `, term.screen(), "the cursor stays in sight")
	}
	require.Contains(t, term.screen(), "Acme / Z")
	require.NotContains(t, term.screen(), "Acme / A ")
	term.press("home")
	require.Regexp(t, `^> `, term.lineOf("Acme / A"))
	term.press("pgdown", "pgdown", "pgup")
	require.Regexp(t, `(?m)^> .*Acme / [B-Y]`, term.screen())
	term.press("end")
	require.Regexp(t, `^> `, term.lineOf("Acme / Z"))
	term.press("*")
	require.Contains(t, term.screen(), "26 selected")
	term.press("*")
	require.NotContains(t, term.screen(), "selected")
}

// At every size, all lines fit on the screen (term.screen checks).
func TestSizes(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{}, {"enter"}, {"*", "a"}, {"d"}, {"?"}, {"/", "x"}} {
		term := openInbox(t, newBackend("a", "b", "c"))
		term.press(keys...)
		for _, width := range []int{300, 80, 71, 47, 24, 23, 1, 0} {
			for _, height := range []int{100, 24, 12, 8, 7, 1, 0} {
				if height > 0 {
					term.resize(width, height)
					term.screen()
				}
			}
		}
		term.resize(20, 5)
		require.Contains(t, term.screen(), "make this window")
	}
	term := openInbox(t, newBackend("a"))
	term.resize(60, 20)
	require.NotContains(t, term.screen(), "bob@example.com", "the requester is dropped first")
	require.Contains(t, term.screen(), "1/2")
	term.resize(40, 10)
	require.NotContains(t, term.screen(), "1/2")
	require.Contains(t, term.screen(), "30 min")
	require.Contains(t, term.screen(), "? help  q quit")
}

// Control characters in texts from outside never reach the terminal.
func TestUntrustedText(t *testing.T) {
	t.Parallel()
	evil := "x\x1b[2J\x1b]52;c;AAAA\x07\r\n\u202e\u200bapprove\u009b31m"
	backend := newBackend("a")
	backend.change("a", func(s *Detail) {
		s.Summary, s.Requester, s.Reason, s.Plan = evil, evil, evil, evil
		s.Before, s.After, s.Facts = []string{evil}, []string{"y" + evil}, []Fact{{Name: evil, Text: evil}}
		s.Steps[0].People, s.Steps[0].Groups = []string{evil}, []string{evil}
		s.Decisions[0] = DecisionRecord{
			By: evil, Action: evil, Comment: evil, Narrowed: evil, Signed: evil, OnBehalfOf: evil,
		}
	})
	backend.decideErr["a"] = errors.New(evil)
	term := openInbox(t, backend)
	term.m.o.Who, term.m.o.Note = evil, evil
	for _, name := range []string{"down", "enter", "a", "tab", "tab"} {
		term.press(name)
		require.NotContains(t, term.m.View().Content, "\x1b[2J")
		require.NotContains(t, term.m.View().Content, "\u202e")
		term.screen()
	}
	term.typeIn("yes")
	term.press("enter")
	require.Contains(t, term.screen(), "failed    a: x\\x1b[2J")
}

func TestQuit(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{
		{"q"}, {"ctrl+c"}, {"enter", "q"}, {"?", "x", "q"}, {"?", "ctrl+c"}, {"a", "q", "ctrl+c"}, {"/", "q", "ctrl+c"},
	} {
		term := openInbox(t, newBackend("a"))
		term.press(keys[:len(keys)-1]...)
		require.False(t, term.quit, keys)
		term.press(keys[len(keys)-1])
		require.True(t, term.quit, keys)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	term := openInbox(t, newBackend("a"))
	term.press("?")
	for _, want := range []string{"approve the selected requests", "reload now", "press any key to go back"} {
		require.Contains(t, term.screen(), want)
	}
	term.press("d")
	require.Contains(t, term.screen(), "Inbox of", "the key that leaves help has no other effect")
}
