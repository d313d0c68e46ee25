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

// fakeDesk is a desk of this process.
type fakeDesk struct {
	mu      sync.Mutex
	sheets  map[string]Sheet
	silent  error // of Waiting
	partly  bool  // beside silent it lists what it knows
	refuse  map[string]error
	decided []Decision
	reads   int
}

func newDesk(ids ...string) *fakeDesk {
	d := &fakeDesk{sheets: map[string]Sheet{}, refuse: map[string]error{}}
	for n, id := range ids {
		d.sheets[id] = Sheet{
			Item: Item{
				ID: id, What: "give ana SOC at Acme / " + id, Requester: "bob@example.com",
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
			Decisions: []Said{{
				At: noon.Add(-time.Hour), By: "dave@example.com", Action: Approve, Comment: "fine", Narrowed: "for 2h",
				Signed: "SHA256:abc",
			}},
		}
	}
	return d
}

func (d *fakeDesk) Waiting(context.Context) ([]Item, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads++
	if d.silent != nil && !d.partly {
		return nil, d.silent
	}
	out := []Item{}
	for _, id := range slices.Sorted(maps.Keys(d.sheets)) {
		if d.sheets[id].Closed == "" {
			out = append(out, d.sheets[id].Item)
		}
	}
	return out, d.silent
}

func (d *fakeDesk) Show(_ context.Context, id string) (Sheet, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.sheets[id]
	if !ok {
		return s, errors.New("nobody knows it")
	}
	return s, nil
}

func (d *fakeDesk) Decide(_ context.Context, in Decision) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refuse[in.ID]; err != nil {
		return "", err
	}
	d.decided = append(d.decided, in)
	delete(d.sheets, in.ID)
	return fmt.Sprintf("%s: %s by carol@example.com", in.ID, in.Action), nil
}

func (d *fakeDesk) change(id string, how func(*Sheet)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sheets[id]
	how(&s)
	d.sheets[id] = s
}

// terminal drives a model without one: it carries out the commands and looks at the view.
type terminal struct {
	t    *testing.T
	m    *Model
	desk *fakeDesk
	due  []tea.Msg // that would come later
	quit bool
	held []tea.Cmd // commands that are not carried out yet
	hold bool
}

func open(t *testing.T, desk *fakeDesk) *terminal {
	t.Helper()
	term := &terminal{t: t, desk: desk}
	term.m = New(t.Context(), desk, Options{
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

func (term *terminal) do(command tea.Cmd) {
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

func (term *terminal) send(msg tea.Msg) {
	term.t.Helper()
	_, command := term.m.Update(msg)
	term.do(command)
}

// release carries out what was held back.
func (term *terminal) release() {
	term.t.Helper()
	term.hold = false
	held := term.held
	term.held = nil
	for _, c := range held {
		term.do(c)
	}
}

// later delivers what was due.
func (term *terminal) later() {
	term.t.Helper()
	due := term.due
	term.due = nil
	for _, msg := range due {
		term.send(msg)
	}
}

var named = map[string]rune{
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
	"pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp, "home": tea.KeyHome, "end": tea.KeyEnd, "space": tea.KeySpace,
}

// press presses keys: names of keys, or characters.
func (term *terminal) press(all ...string) {
	term.t.Helper()
	for _, name := range all {
		k := tea.Key{}
		switch code, ok := named[name]; {
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

func (term *terminal) typeIn(text string) {
	term.t.Helper()
	for _, r := range text {
		if r == ' ' {
			term.press("space")
		} else {
			term.press(string(r))
		}
	}
}

func (term *terminal) resize(width, height int) {
	term.t.Helper()
	term.send(tea.WindowSizeMsg{Width: width, Height: height})
}

// see is the screen without colours. It must fit, whatever is on it.
func (term *terminal) see() string {
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

// lineOf is the line of the screen that has a text in it.
func (term *terminal) lineOf(text string) string {
	term.t.Helper()
	for line := range strings.SplitSeq(term.see(), "\n") {
		if strings.Contains(line, text) {
			return line
		}
	}
	require.Fail(term.t, "not on the screen", "%q:\n%s", text, term.see())
	return ""
}

func (term *terminal) decisions() []Decision {
	term.desk.mu.Lock()
	defer term.desk.mu.Unlock()
	return slices.Clone(term.desk.decided)
}

func same[T any](t *testing.T, want, got T) {
	t.Helper()
	require.True(t, reflect.DeepEqual(want, got), "want %+v\ngot  %+v", want, got)
}
