package inbox

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// list is what waits. The cursor and the marks are on requests, not on lines, so that
// they stay where they are when the list changes.
type list struct {
	items     []Item
	at        string // id under the cursor
	first     int    // line at the top
	marked    map[string]bool
	filter    textinput.Model
	filtering bool // the filter is typed into

	round   int // of reading
	reading bool
	again   bool      // when that is answered, read once more
	readAt  time.Time // last success; zero before
	fault   string    // of the last reading, or ""
}

func newList() list {
	return list{marked: map[string]bool{}, filter: newField("/")}
}

// newField is a line to type into. It does not blink, and takes pasted text from the
// terminal only, not by starting a program.
func newField(prompt string) textinput.Model {
	f := textinput.New()
	f.Prompt = prompt
	f.KeyMap.Paste.SetEnabled(false)
	styles := f.Styles()
	styles.Cursor.Blink = false
	f.SetStyles(styles)
	return f
}

// take takes what the desk has answered.
func (l *list) take(msg listed, now time.Time) {
	l.reading, l.fault = false, ""
	if msg.err != nil {
		l.fault = msg.err.Error()
	} else {
		l.readAt = now
	}
	if msg.err != nil && msg.items == nil {
		return
	}
	line := l.line()
	l.items = slices.Clone(msg.items)
	slices.SortStableFunc(l.items, func(a, b Item) int {
		return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.ID, b.ID))
	})
	for id := range l.marked {
		if !slices.ContainsFunc(l.items, func(i Item) bool { return i.ID == id }) {
			delete(l.marked, id)
		}
	}
	l.settle(line)
}

// settle puts the cursor back on a line if its request is gone.
func (l *list) settle(line int) {
	visible := l.visible()
	if slices.ContainsFunc(visible, func(i Item) bool { return i.ID == l.at }) {
		return
	}
	l.at = ""
	if len(visible) > 0 {
		l.at = visible[min(max(line, 0), len(visible)-1)].ID
	}
}

// visible are the requests that have all words of the filter in them.
func (l *list) visible() []Item {
	words := strings.Fields(strings.ToLower(l.filter.Value()))
	if len(words) == 0 {
		return l.items
	}
	var out []Item
	for _, i := range l.items {
		text := strings.ToLower(strings.Join([]string{i.ID, i.short(), i.Requester, i.Reason}, "\n"))
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			out = append(out, i)
		}
	}
	return out
}

// line is where the cursor is among the visible, or -1.
func (l *list) line() int {
	return slices.IndexFunc(l.visible(), func(i Item) bool { return i.ID == l.at })
}

// move moves the cursor by so many lines.
func (l *list) move(by int) {
	visible := l.visible()
	if len(visible) == 0 {
		return
	}
	l.at = visible[min(max(l.line()+by, 0), len(visible)-1)].ID
}

func (l *list) mark() {
	if l.at == "" {
		return
	}
	if l.marked[l.at] {
		delete(l.marked, l.at)
	} else {
		l.marked[l.at] = true
	}
	l.move(1)
}

// markAll marks what is visible, or nothing if it is marked already.
func (l *list) markAll() {
	visible := l.visible()
	all := !slices.ContainsFunc(visible, func(i Item) bool { return !l.marked[i.ID] })
	for _, i := range visible {
		if all {
			delete(l.marked, i.ID)
		} else {
			l.marked[i.ID] = true
		}
	}
}

// chosen are the ids to decide: those marked, in the order of the list, else the one
// under the cursor.
func (l *list) chosen() []string {
	var out []string
	for _, i := range l.items {
		if l.marked[i.ID] {
			out = append(out, i.ID)
		}
	}
	if len(out) == 0 && l.at != "" {
		out = []string{l.at}
	}
	return out
}

// typed hands something to the filter.
func (l *list) typed(msg tea.Msg) tea.Cmd {
	line := l.line()
	var command tea.Cmd
	l.filter, command = l.filter.Update(msg)
	l.settle(line)
	return command
}

func (m *Model) pressOnList(msg tea.KeyPressMsg) tea.Cmd {
	l := &m.list
	if l.filtering {
		return l.pressOnFilter(msg)
	}
	switch {
	case key.Matches(msg, keys.up):
		l.move(-1)
	case key.Matches(msg, keys.down):
		l.move(1)
	case key.Matches(msg, keys.pageUp):
		l.move(-m.rows())
	case key.Matches(msg, keys.pageDown):
		l.move(m.rows())
	case key.Matches(msg, keys.top):
		l.move(-len(l.items))
	case key.Matches(msg, keys.bottom):
		l.move(len(l.items))
	case key.Matches(msg, keys.mark):
		l.mark()
	case key.Matches(msg, keys.markAll):
		l.markAll()
	case key.Matches(msg, keys.filter):
		l.filtering = true
		return l.filter.Focus()
	case msg.String() == "esc":
		l.clear()
	case key.Matches(msg, keys.show):
		return m.openSheet(l.at)
	case key.Matches(msg, keys.approve):
		return m.openForm(Approve, l.chosen())
	case key.Matches(msg, keys.deny):
		return m.openForm(Deny, l.chosen())
	default:
		return m.common(msg)
	}
	return nil
}

func (l *list) pressOnFilter(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		l.clear()
	case "enter", "up", "down":
		l.filtering = false
		l.filter.Blur()
	default:
		return l.typed(msg)
	}
	return nil
}

// clear takes the filter away.
func (l *list) clear() {
	line := l.line()
	l.filtering = false
	l.filter.Reset()
	l.filter.Blur()
	l.settle(line)
}
