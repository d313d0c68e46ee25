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

// list is the state of the list of pending requests. Cursor and marks refer to
// requests, not to lines, so that they stay on their request when the list changes.
type list struct {
	items     []Item
	at        string // id under the cursor
	first     int    // index of the top line
	marked    map[string]bool
	filter    textinput.Model
	filtering bool // keys go to the filter

	round   int // number of the last read
	reading bool
	again   bool      // read once more after the current read
	readAt  time.Time // of the last successful read; zero before
	fault   string    // error of the last read, or ""
}

func newList() list {
	return list{marked: map[string]bool{}, filter: newField("/")}
}

// newField makes an input line. Its cursor does not blink; it takes pasted text from
// the terminal only and never starts a clipboard program.
func newField(prompt string) textinput.Model {
	f := textinput.New()
	f.Prompt = prompt
	f.KeyMap.Paste.SetEnabled(false)
	styles := f.Styles()
	styles.Cursor.Blink = false
	f.SetStyles(styles)
	return f
}

// take stores the backend's answer.
func (l *list) take(msg listRead, now time.Time) {
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

// settle moves the cursor to the request on the given line if its own is not listed any
// more.
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

// visible lists the requests that contain all words of the filter.
func (l *list) visible() []Item {
	words := strings.Fields(strings.ToLower(l.filter.Value()))
	if len(words) == 0 {
		return l.items
	}
	var out []Item
	for _, i := range l.items {
		text := strings.ToLower(strings.Join([]string{i.ID, i.title(), i.Requester, i.Reason}, "\n"))
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			out = append(out, i)
		}
	}
	return out
}

// line is the index of the cursor among the visible requests, or -1.
func (l *list) line() int {
	return slices.IndexFunc(l.visible(), func(i Item) bool { return i.ID == l.at })
}

// move moves the cursor by a number of lines, within the list.
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

// markAll marks all visible requests, or unmarks them if all are marked.
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

// chosen lists the ids to decide: the marked ones in the order of the list, or else the
// one under the cursor.
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

// typed passes a key or a paste to the filter.
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
		return m.openDetail(l.at)
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

// clear removes the filter.
func (l *list) clear() {
	line := l.line()
	l.filtering = false
	l.filter.Reset()
	l.filter.Blur()
	l.settle(line)
}
