package inbox

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/stretchr/testify/require"
)

func TestDetail(t *testing.T) {
	t.Parallel()
	backend := newBackend("grant/1")
	term := openInbox(t, backend)
	term.press("enter")
	screen := term.screen()
	for _, want := range []string{
		"requester bob@example.com", "reason    INC of grant/1", "until     2026-03-03 12:30 UTC (30 min left)",
		"before      Viewer at site Acme / Bonn", "after       Viewer at site Acme / Bonn",
		"          + SOC at grant/1",
		"note      takes effect at once",
		"steps     1. open: 1 of 2 from leads; may decide: carol@example.com", "2. later: 0 of 1 from ciso",
		"decided   approve by dave@example.com at 2026-03-03 11:00 UTC, for 2h: fine (SHA", "plan      hash of grant/1",
	} {
		require.Contains(t, strings.Join(strings.Fields(screen), " "), strings.Join(strings.Fields(want), " "))
	}
	backend.change("grant/1", func(d *Detail) {
		d.Closed = "it is decided already: approved, last by dave@example.com"
	})
	term.deliverDue()
	require.Contains(t, term.screen(), "closed    it is decided already: approved, last by dave@example.com")
	require.NotContains(t, term.screen(), "min left")
	delete(backend.details, "grant/1")
	term.deliverDue()
	require.Contains(t, term.screen(), "could not read it again: unknown request")
	require.Contains(t, term.screen(), "plan      hash", "the last successful read stays")
	term.press("esc")
	require.Contains(t, term.screen(), "No request is pending")
}

func TestDetail_Scrolls(t *testing.T) {
	t.Parallel()
	term := openInbox(t, newBackend("a"))
	term.resize(80, 10)
	term.press("enter")
	require.Regexp(t, `\d+ more lines below: page down`, term.screen())
	require.NotContains(t, term.screen(), "hash of a")
	term.press("end")
	require.Contains(t, term.screen(), "hash of a")
	require.NotContains(t, term.screen(), "below")
	term.press("up", "home")
	require.Contains(t, term.screen(), "what      give")
}

// A late answer about another request does not replace the one on the screen.
func TestDetail_LateAnswer(t *testing.T) {
	t.Parallel()
	term := openInbox(t, newBackend("a", "b"))
	term.hold = true
	term.press("enter", "esc", "down", "enter")
	held := term.held
	require.Len(t, held, 2)
	term.hold, term.held = false, nil
	term.do(held[1])
	term.do(held[0])
	require.Contains(t, term.screen(), "plan      hash of b")
}

func TestForm_Approve(t *testing.T) {
	t.Parallel()
	term := openInbox(t, newBackend("a", "b"))
	term.press("a")
	require.Contains(t, term.screen(), "Approve 1 request as carol@example.com")
	require.Contains(t, term.screen(), "+ SOC at a", "the plan is shown")
	term.typeIn("on call q?")
	term.press("enter")
	term.typeIn("90m")
	term.press("enter")
	for _, no := range []string{"", "y"} {
		term.typeIn(no)
		term.press("enter")
		require.Contains(t, term.screen(), "nothing sent: confirmation not given (type yes)")
		require.Empty(t, term.decisions())
	}
	term.typeIn("es")
	term.press("enter")
	requireSame(t, []Decision{
		{ID: "a", Plan: "hash of a", Action: Approve, Comment: "on call q?", For: 90 * time.Minute},
	}, term.decisions())
	require.Contains(t, term.screen(), "done      a: approve by carol@example.com")
	term.press("enter")
	require.Contains(t, term.screen(), "1 pending")
	require.NotContains(t, term.screen(), "Acme / a")
	require.Equal(t, []string{"a: approve by carol@example.com"}, term.m.log)
}

func TestForm_DenyFromDetail(t *testing.T) {
	t.Parallel()
	term := openInbox(t, newBackend("a"))
	term.press("enter", "d")
	require.NotContains(t, term.screen(), "only for", "a denial has no duration")
	term.press("enter")
	term.typeIn("YES")
	term.press("enter")
	requireSame(t, []Decision{{ID: "a", Plan: "hash of a", Action: Deny}}, term.decisions())
}

// Selected requests are decided one after another; one whose decision fails keeps its
// mark and does not stop the others.
func TestForm_Several(t *testing.T) {
	t.Parallel()
	backend := newBackend("a", "b", "c", "d")
	backend.decideErr["b"] = errors.New("it is decided already: denied, last by dave@example.com at 11:59:00Z")
	term := openInbox(t, backend)
	term.press("*", "home", "space") // all but a
	backend.change("d", func(s *Detail) { s.Closed = "it was cancelled" })
	term.press("a")
	require.Contains(t, term.screen(), "Approve 3 requests")
	require.Contains(t, term.screen(), "skipped   d: it was cancelled")
	term.press("tab", "tab")
	term.typeIn("yes")
	term.hold = true
	term.press("enter")
	require.Contains(t, term.screen(), "Sending 1 of 2")
	term.press("esc", "enter", "q") // a sent decision cannot be withdrawn
	require.Contains(t, term.screen(), "Sending 1 of 2")
	require.Len(t, term.held, 1)
	term.release()
	requireSame(t, []Decision{{ID: "c", Plan: "hash of c", Action: Approve}}, term.decisions())
	screen := term.screen()
	require.Contains(t, screen, "Approve: 2 sent, 2 failed")
	require.Contains(t, screen, "failed    d: it was cancelled")
	require.Contains(t, screen, "failed    b: it is decided already: denied, last by dave@example.com at")
	require.Contains(t, screen, "done      c: approve")
	term.press("esc")
	require.Regexp(t, `\[x\]`, term.lineOf("Acme / b"))
	require.Regexp(t, `\[ \]`, term.lineOf("Acme / a"))
}

func TestForm_ShorterTime(t *testing.T) {
	t.Parallel()
	backend := newBackend("a", "b")
	backend.change("b", func(s *Detail) { s.Length = 2 * time.Hour })
	for text, want := range map[string]string{
		"soon": `invalid duration "soon": write 2h`, "-1h": `invalid duration "-1h"`,
		"3h": "b is limited to 2h: enter a shorter time",
	} {
		term := openInbox(t, backend)
		term.press("*", "a", "tab")
		term.typeIn(text)
		term.press("enter")
		require.Contains(t, term.screen(), want)
		term.press("tab")
		term.typeIn("yes")
		term.press("enter")
		require.Contains(t, term.screen(), want)
		require.Empty(t, term.decisions())
	}
	backend.change("b", func(s *Detail) { s.Shortens = false })
	term := openInbox(t, backend)
	term.press("*", "a")
	require.NotContains(t, term.screen(), "only for")
}

// A decision carries the hash of the plan on the screen, also if the plan changes while
// the form is open.
func TestForm_DecidesOnShownPlan(t *testing.T) {
	t.Parallel()
	backend := newBackend("a")
	term := openInbox(t, backend)
	term.press("a")
	backend.change("a", func(s *Detail) { s.Plan, s.After = "another", []string{"Admin at the tenant"} })
	term.deliverDue()
	require.NotContains(t, term.screen(), "Admin")
	term.press("tab", "tab")
	term.typeIn("yes")
	term.press("enter")
	require.Equal(t, "hash of a", term.decisions()[0].Plan)
}

// The answer to an earlier form does not change the current one.
func TestForm_LeftBeforeRead(t *testing.T) {
	t.Parallel()
	term := openInbox(t, newBackend("a", "b"))
	term.hold = true
	term.press("a", "enter")
	require.Contains(t, term.screen(), "Reading the plans")
	term.press("esc", "down", "d")
	held := term.held
	term.hold, term.held = false, nil
	term.do(held[0])
	require.Contains(t, term.screen(), "Reading the plans", "the answer was about another request")
	term.do(held[1])
	require.Contains(t, term.screen(), "Deny 1 request")
	require.Contains(t, term.screen(), "hash of b")
}

func TestForm_NothingToDecide(t *testing.T) {
	t.Parallel()
	backend := newBackend("a")
	term := openInbox(t, backend)
	backend.change("a", func(s *Detail) { s.Closed = "it is decided already" })
	term.press("a")
	require.Contains(t, term.screen(), "skipped   a: it is decided already")
	term.press("tab", "y", "enter")
	require.Contains(t, term.screen(), "Inbox of")
	require.Empty(t, term.decisions())
}

// A pasted text cannot press enter.
func TestForm_Paste(t *testing.T) {
	t.Parallel()
	term := openInbox(t, newBackend("a"))
	term.press("d")
	term.send(tea.PasteMsg{Content: "see INC-42\n\nyes\n"})
	require.Contains(t, term.screen(), "comment   see INC-42")
	require.Empty(t, term.decisions())
	require.Equal(t, 0, term.m.form.at)
}

// A decided request loses its mark, even if the list cannot be read again.
func TestForm_UnmarksDecidedRequests(t *testing.T) {
	t.Parallel()
	backend := newBackend("a", "b")
	backend.decideErr["b"] = errors.New("no")
	term := openInbox(t, backend)
	term.press("*", "d", "tab")
	term.typeIn("yes")
	backend.pendingErr = errors.New("Temporal does not answer")
	term.press("enter", "enter")
	require.Regexp(t, `\[ \]`, term.lineOf("Acme / a"))
	require.Regexp(t, `\[x\]`, term.lineOf("Acme / b"))
}
