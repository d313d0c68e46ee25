package inbox

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/stretchr/testify/require"
)

func TestList_MostPressingFirst(t *testing.T) {
	t.Parallel()
	desk := newDesk("a", "b", "c")
	desk.change("a", func(s *Sheet) { s.Until = noon.Add(70 * time.Hour) })
	desk.change("c", func(s *Sheet) { s.Until = noon.Add(-time.Minute) })
	term := open(t, desk)
	screen := term.see()
	require.Contains(t, screen, "Inbox of carol@example.com")
	require.Contains(t, screen, "3 waiting  12:00:00 UTC")
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

// The list is read anew all the time; cursor and marks stay on their requests.
func TestList_KeepsTheSelection(t *testing.T) {
	t.Parallel()
	desk := newDesk("a", "b", "c")
	term := open(t, desk)
	term.press("down", "space") // on b, then down to c
	require.Regexp(t, `^  \[x\]`, term.lineOf("Acme / b"))
	require.Regexp(t, `^> \[ \]`, term.lineOf("Acme / c"))
	desk.change("0", func(s *Sheet) { s.ID, s.What, s.Until = "0", "give Acme / 0", noon.Add(time.Minute) })
	desk.change("a", func(s *Sheet) { s.Closed = "decided" })
	term.later()
	require.Contains(t, term.see(), "Acme / 0")
	require.NotContains(t, term.see(), "Acme / a")
	require.Regexp(t, `^  \[x\]`, term.lineOf("Acme / b"))
	require.Regexp(t, `^> \[ \]`, term.lineOf("Acme / c"))
	desk.change("b", func(s *Sheet) { s.Closed = "decided" })
	desk.change("c", func(s *Sheet) { s.Closed = "decided" })
	term.later()
	require.Regexp(t, `^> \[ \]`, term.lineOf("Acme / 0"), "the cursor goes to what is left")
	require.NotContains(t, term.see(), "selected")
	require.Len(t, term.due, 1, "one reading follows another")
}

func TestList_ReadsOnDemandButNotTwiceAtOnce(t *testing.T) {
	t.Parallel()
	desk := newDesk("a")
	term := open(t, desk)
	term.press("r")
	require.Equal(t, 2, desk.reads)
	require.Len(t, term.due, 2)
	term.later()
	require.Equal(t, 3, desk.reads, "what was due for an earlier round is over")

	term.hold = true
	term.press("r", "r", "r")
	require.Len(t, term.held, 1)
	term.release()
	require.Equal(t, 5, desk.reads, "once more, since the answer may be older than the asking")
}

func TestList_Empty(t *testing.T) {
	t.Parallel()
	desk := newDesk()
	term := open(t, desk)
	screen := term.see()
	require.Contains(t, screen, "Nothing waits for carol@example.com.")
	require.Contains(t, screen, "starter show ID")
	require.Contains(t, screen, "--by")
	term.press("enter", "a", "d", "space", "*", "up", "down", "end") // nothing to act on
	require.Equal(t, screen, term.see())
}

func TestList_Fault(t *testing.T) {
	t.Parallel()
	desk := newDesk("a")
	desk.silent = errors.New("Temporal does not answer")
	term := open(t, desk)
	require.Contains(t, term.see(), "The requests could not be read: Temporal does not answer")
	desk.silent = nil
	term.later()
	require.Contains(t, term.see(), "Acme / a")
	require.NotContains(t, term.see(), "Temporal")

	desk.silent = errors.New("Temporal does not answer")
	term.later()
	require.Contains(t, term.see(), "not read again: Temporal does not answer")
	require.Contains(t, term.see(), "Acme / a", "what was known is still shown")

	desk.change("b", func(s *Sheet) { s.ID, s.What = "b", "give Acme / b" })
	desk.partly = true
	term.later()
	require.Contains(t, term.see(), "Acme / b")
	require.Contains(t, term.see(), "not read again")
}

func TestList_Filter(t *testing.T) {
	t.Parallel()
	desk := newDesk("alpha", "beta", "gamma")
	term := open(t, desk)
	term.press("space", "/")
	term.typeIn("INC bet")
	screen := term.see()
	require.Contains(t, screen, "/INC bet")
	require.NotContains(t, screen, "Acme / alpha")
	require.Regexp(t, `^> `, term.lineOf("Acme / beta"), "words may be anywhere, in any case")
	term.press("enter", "d") // a key again, not a letter
	require.Contains(t, term.see(), "Deny 1 request", "the marked one, though it is not shown")
	require.Contains(t, term.see(), "INC of alpha")
	term.press("esc", "/")
	term.typeIn("x")
	require.Contains(t, term.see(), "Nothing that waits has these words")
	term.press("esc")
	require.Contains(t, term.see(), "Acme / gamma")
	require.NotContains(t, term.see(), "/INC")
	term.press("/")
	term.send(tea.PasteMsg{Content: "gam\nma"})
	require.Contains(t, term.see(), "/gam ma")
}

func TestList_LongerThanTheScreen(t *testing.T) {
	t.Parallel()
	var ids []string
	for r := 'A'; r <= 'Z'; r++ {
		ids = append(ids, string(r))
	}
	term := open(t, newDesk(ids...))
	term.resize(80, 12)
	require.NotContains(t, term.see(), "Acme / Z")
	for range 25 {
		term.press("down")
		require.Regexp(t, `(?m)^> `, term.see(), "the cursor stays in sight")
	}
	require.Contains(t, term.see(), "Acme / Z")
	require.NotContains(t, term.see(), "Acme / A ")
	term.press("home")
	require.Regexp(t, `^> `, term.lineOf("Acme / A"))
	term.press("pgdown", "pgdown", "pgup")
	require.Regexp(t, `(?m)^> .*Acme / [B-Y]`, term.see())
	term.press("end")
	require.Regexp(t, `^> `, term.lineOf("Acme / Z"))
	term.press("*")
	require.Contains(t, term.see(), "26 selected")
	term.press("*")
	require.NotContains(t, term.see(), "selected")
}

// Whatever the size, nothing is wider or longer than the screen (term.see looks).
func TestSizes(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{}, {"enter"}, {"*", "a"}, {"d"}, {"?"}, {"/", "x"}} {
		term := open(t, newDesk("a", "b", "c"))
		term.press(keys...)
		for _, width := range []int{300, 80, 71, 47, 24, 23, 1, 0} {
			for _, height := range []int{100, 24, 12, 8, 7, 1, 0} {
				if height > 0 {
					term.resize(width, height)
					term.see()
				}
			}
		}
		term.resize(20, 5)
		require.Contains(t, term.see(), "make this window")
	}
	term := open(t, newDesk("a"))
	term.resize(60, 20)
	require.NotContains(t, term.see(), "bob@example.com", "who asks is dropped first")
	require.Contains(t, term.see(), "1/2")
	term.resize(40, 10)
	require.NotContains(t, term.see(), "1/2")
	require.Contains(t, term.see(), "30 min")
	require.Contains(t, term.see(), "? help  q quit")
}

// What strangers write can neither move the cursor nor look like something else.
func TestStrangersText(t *testing.T) {
	t.Parallel()
	evil := "x\x1b[2J\x1b]52;c;AAAA\x07\r\n\u202e\u200bapprove\u009b31m"
	desk := newDesk("a")
	desk.change("a", func(s *Sheet) {
		s.What, s.Requester, s.Reason, s.Plan = evil, evil, evil, evil
		s.Before, s.After, s.Facts = []string{evil}, []string{"y" + evil}, []Fact{{Name: evil, Text: evil}}
		s.Steps[0].People, s.Steps[0].Groups = []string{evil}, []string{evil}
		s.Decisions[0] = Said{By: evil, Action: evil, Comment: evil, Narrowed: evil, Signed: evil, OnBehalfOf: evil}
	})
	desk.refuse["a"] = errors.New(evil)
	term := open(t, desk)
	term.m.o.Who, term.m.o.Note = evil, evil
	for _, name := range []string{"down", "enter", "a", "tab", "tab"} {
		term.press(name)
		require.NotContains(t, term.m.View().Content, "\x1b[2J")
		require.NotContains(t, term.m.View().Content, "\u202e")
		term.see()
	}
	term.typeIn("yes")
	term.press("enter")
	require.Contains(t, term.see(), "failed    a: x\\x1b[2J")
}

func TestQuit(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{
		{"q"}, {"ctrl+c"}, {"enter", "q"}, {"?", "x", "q"}, {"?", "ctrl+c"}, {"a", "q", "ctrl+c"}, {"/", "q", "ctrl+c"},
	} {
		term := open(t, newDesk("a"))
		term.press(keys[:len(keys)-1]...)
		require.False(t, term.quit, keys)
		term.press(keys[len(keys)-1])
		require.True(t, term.quit, keys)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	term := open(t, newDesk("a"))
	term.press("?")
	for _, want := range []string{"approve what is selected", "read again now", "any key goes back"} {
		require.Contains(t, term.see(), want)
	}
	term.press("d")
	require.Contains(t, term.see(), "Inbox of", "the key that leaves help does nothing else")
}
