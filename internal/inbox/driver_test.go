package inbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// fakeBackend is a backend in memory.
type fakeBackend struct {
	mu         sync.Mutex
	details    map[string]Detail
	pendingErr error            // of Pending
	partial    bool             // Pending returns items together with pendingErr
	decideErr  map[string]error // of Decide, by id
	decided    []Decision
	reads      int
}

func newBackend(ids ...string) *fakeBackend {
	d := &fakeBackend{details: map[string]Detail{}, decideErr: map[string]error{}}
	for n, id := range ids {
		d.details[id] = Detail{
			Item: Item{
				ID: id, Summary: "give ana SOC at Acme / " + id, Requester: "bob@example.com",
				Reason: "INC of " + id, Need: 2, Given: 1, Until: noon.Add(time.Duration(n+1) * 30 * time.Minute),
			},
			Plan: "hash of " + id, Shortens: true, Length: 4 * time.Hour,
			Before: []string{"Viewer at site Acme / Bonn"},
			After:  []string{"Viewer at site Acme / Bonn", "SOC at " + id},
			Facts:  []Fact{{Name: "note", Text: "takes effect at once", Warns: true}},
			Steps: []Step{
				{Need: 2, Given: 1, Groups: []string{"leads"}, People: []string{"carol@example.com"}, Open: true},
				{Need: 1, Groups: []string{"ciso"}},
			},
			Decisions: []DecisionRecord{{
				At: noon.Add(-time.Hour), By: "dave@example.com", Action: Approve, Comment: "fine", Narrowed: "for 2h",
				Signed: "SHA256:abc",
			}},
		}
	}
	return d
}

func (d *fakeBackend) Pending(context.Context) ([]Item, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads++
	if d.pendingErr != nil && !d.partial {
		return nil, d.pendingErr
	}
	out := []Item{}
	for _, id := range slices.Sorted(maps.Keys(d.details)) {
		if d.details[id].Closed == "" {
			out = append(out, d.details[id].Item)
		}
	}
	return out, d.pendingErr
}

func (d *fakeBackend) Detail(_ context.Context, id string) (Detail, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.details[id]
	if !ok {
		return s, errors.New("unknown request")
	}
	return s, nil
}

func (d *fakeBackend) Decide(_ context.Context, in Decision) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.decideErr[in.ID]; err != nil {
		return "", err
	}
	d.decided = append(d.decided, in)
	delete(d.details, in.ID)
	return fmt.Sprintf("%s: %s by carol@example.com", in.ID, in.Action), nil
}

func (d *fakeBackend) change(id string, how func(*Detail)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.details[id]
	how(&s)
	d.details[id] = s
}

// fakeTerminal drives a model: it runs the commands and reads the view.
type fakeTerminal struct {
	t       *testing.T
	m       *Model
	backend *fakeBackend
	due     []tea.Msg // messages of After
	quit    bool
	held    []tea.Cmd // commands that have not run yet
	hold    bool      // keep commands back in held
}

func openInbox(t *testing.T, backend *fakeBackend) *fakeTerminal {
	t.Helper()
	term := &fakeTerminal{t: t, backend: backend}
	term.m = New(t.Context(), backend, Options{
		Who: "carol@example.com", Every: 5 * time.Second, Now: func() time.Time { return noon },
		After: func(d time.Duration, msg tea.Msg) tea.Cmd {
			require.Equal(t, 5*time.Second, d)
			term.due = append(term.due, msg)
			return nil
		},
	})
	term.do(term.m.Init())
	return term
}

func (term *fakeTerminal) do(command tea.Cmd) {
	term.t.Helper()
	if command == nil {
		return
	}
	if term.hold {
		term.held = append(term.held, command)
		return
	}
	switch msg := command().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			term.do(c)
		}
	case tea.QuitMsg:
		term.quit = true
	case nil:
	default:
		term.send(msg)
	}
}

func (term *fakeTerminal) send(msg tea.Msg) {
	term.t.Helper()
	_, command := term.m.Update(msg)
	term.do(command)
}

// release runs the commands that were held back.
func (term *fakeTerminal) release() {
	term.t.Helper()
	term.hold = false
	held := term.held
	term.held = nil
	for _, c := range held {
		term.do(c)
	}
}

// deliverDue delivers the messages of After.
func (term *fakeTerminal) deliverDue() {
	term.t.Helper()
	due := term.due
	term.due = nil
	for _, msg := range due {
		term.send(msg)
	}
}

var namedKeys = map[string]rune{
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
	"pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp, "home": tea.KeyHome, "end": tea.KeyEnd, "space": tea.KeySpace,
}

// press presses keys: names of keys, or characters.
func (term *fakeTerminal) press(all ...string) {
	term.t.Helper()
	for _, name := range all {
		k := tea.Key{}
		switch code, ok := namedKeys[name]; {
		case name == "ctrl+c":
			k.Code, k.Mod = 'c', tea.ModCtrl
		case name == "space":
			k.Code, k.Text = code, " "
		case ok:
			k.Code = code
		default:
			require.Len(term.t, []rune(name), 1, name)
			k.Code, k.Text = []rune(name)[0], name
		}
		term.send(tea.KeyPressMsg(k))
	}
}

func (term *fakeTerminal) typeIn(text string) {
	term.t.Helper()
	for _, r := range text {
		if r == ' ' {
			term.press("space")
		} else {
			term.press(string(r))
		}
	}
}

func (term *fakeTerminal) resize(width, height int) {
	term.t.Helper()
	term.send(tea.WindowSizeMsg{Width: width, Height: height})
}

// screen returns the screen without colours. It requires that the screen fits and that no
// control character reaches the terminal.
func (term *fakeTerminal) screen() string {
	term.t.Helper()
	raw := term.m.View().Content
	for _, r := range ansi.Strip(raw) {
		require.True(term.t, r == '\n' || r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f), "%q reaches the terminal", r)
	}
	lines := strings.Split(ansi.Strip(raw), "\n")
	require.LessOrEqual(term.t, len(lines), term.m.height)
	for _, line := range lines {
		require.LessOrEqual(term.t, ansi.StringWidth(line), term.m.width, line)
	}
	return strings.Join(lines, "\n")
}

// lineOf returns the line of the screen that contains a text.
func (term *fakeTerminal) lineOf(text string) string {
	term.t.Helper()
	for line := range strings.SplitSeq(term.screen(), "\n") {
		if strings.Contains(line, text) {
			return line
		}
	}
	require.Fail(term.t, "not on the screen", "%q:\n%s", text, term.screen())
	return ""
}

func (term *fakeTerminal) decisions() []Decision {
	term.backend.mu.Lock()
	defer term.backend.mu.Unlock()
	return slices.Clone(term.backend.decided)
}

func requireSame[T any](t *testing.T, want, got T) {
	t.Helper()
	require.True(t, reflect.DeepEqual(want, got), "want %+v\ngot  %+v", want, got)
}
