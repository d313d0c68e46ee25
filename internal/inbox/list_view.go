package inbox

import (
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/describe"

	"github.com/charmbracelet/x/ansi"
)

func (m *Model) viewList() []string {
	foot := m.listFoot()
	room := m.room(foot) - 1 // of the header
	visible := m.list.visible()
	if len(visible) == 0 {
		return m.frame(m.listTitle(), m.empty(), foot...)
	}
	at := m.list.line()
	first := min(m.list.first, max(len(visible)-room, 0))
	first = max(min(first, at), at-room+1)
	m.list.first = first
	c := m.columns(visible)
	body := []string{faintStyle.Render(c.row(markWidth, "what", "who asks", "given", "time left"))}
	for _, item := range visible[first:min(first+room, len(visible))] {
		body = append(body, m.itemLine(c, item))
	}
	return m.frame(m.listTitle(), body, foot...)
}

// rows is a page of the list.
func (m *Model) rows() int { return max(m.room(m.listFoot())-2, 1) }

func (m *Model) listTitle() string {
	count := ""
	if !m.list.readAt.IsZero() {
		count = fmt.Sprintf("%d waiting", len(m.list.items))
		if n := len(m.list.marked); n > 0 {
			count += fmt.Sprintf(", %d selected", n)
		}
		count += m.list.readAt.UTC().Format("  15:04:05 UTC")
	}
	who := "Inbox of " + describe.Text(m.o.Who)
	space := m.width - ansi.StringWidth(who) - ansi.StringWidth(count)
	if space < 2 {
		who = cut(who, m.width-ansi.StringWidth(count)-2)
		space = 2
	}
	return titleStyle.Render(who) + strings.Repeat(" ", space) + count
}

// listFoot is the filter, what went wrong, what must be known, and the keys.
func (m *Model) listFoot() []string {
	foot := []string{""}
	if m.list.filtering || m.list.filter.Value() != "" {
		foot = append(foot, m.list.filter.View())
	}
	if fault := m.list.fault; fault != "" && !m.list.readAt.IsZero() {
		foot = append(foot, m.few(alarmStyle.Render, "not read again: "+describe.Text(fault))...)
	}
	if m.o.Note != "" {
		foot = append(foot, m.few(faintStyle.Render, describe.Text(m.o.Note))...)
	}
	return append(foot, m.hints("a approve", "d deny", "enter show", "space select", "/ filter", "r read again",
		"? help", "q quit"))
}

// few wraps a remark into no more than a few lines.
func (m *Model) few(style func(...string) string, text string) []string {
	const most = 2
	lines := wrap(text, m.width)
	if len(lines) > most {
		lines = append(lines[:most-1], strings.Join(lines[most-1:], " "))
	}
	for i, line := range lines {
		lines[i] = style(cut(line, m.width))
	}
	return lines
}

// empty says why there is nothing to see and what to do.
func (m *Model) empty() []string {
	var text []string
	switch {
	case len(m.list.items) > 0:
		text = []string{"Nothing that waits has these words in it. esc shows all again."}
	case m.list.readAt.IsZero() && m.list.fault != "":
		text = []string{"The requests could not be read: " + describe.Text(m.list.fault), "", "r tries again."}
	case m.list.readAt.IsZero():
		text = []string{"Reading what waits …"}
	default:
		text = []string{
			"Nothing waits for " + describe.Text(m.o.Who) + ".", "",
			"It is looked for again every " + m.o.Every.String() + ".",
			"Is something missing? `starter show ID` says whom a request waits for. " +
				"To decide under another name, start with --by.",
		}
	}
	lines := []string{""}
	for _, t := range text {
		lines = append(lines, wrap(t, m.width)...)
	}
	return lines
}

// columns are how wide the parts of a line are; 0 leaves one out.
type columns struct{ what, who, given, left int }

const (
	markWidth  = 6 // cursor and mark
	leftWidth  = 9
	givenWidth = 5
)

// columns gives what is asked for the most room, and drops what matters least.
func (m *Model) columns(items []Item) columns {
	c := columns{left: leftWidth}
	if m.width >= 48 {
		c.given = givenWidth
	}
	if m.width >= 72 {
		for _, i := range items {
			c.who = max(c.who, ansi.StringWidth(describe.Text(i.Requester)))
		}
		c.who = max(min(c.who, m.width/4), len("who asks"))
	}
	c.what = m.width - markWidth - c.left - 1
	for _, w := range []int{c.who, c.given} {
		if w > 0 {
			c.what -= w + 1
		}
	}
	return c
}

// row is a line without its time, which has a colour of its own.
func (c columns) row(indent int, what, who, given, left string) string {
	out := strings.Repeat(" ", indent) + pad(what, c.what)
	if c.who > 0 {
		out += " " + pad(who, c.who)
	}
	if c.given > 0 {
		out += " " + pad(given, c.given)
	}
	out += " "
	if left != "" {
		out += pad(left, c.left)
	}
	return out
}

func (m *Model) itemLine(c columns, i Item) string {
	now := m.o.Now()
	cursor, mark := "  ", "[ ] "
	style, colour := plainStyle, urgency(i.Until, now)
	if m.list.marked[i.ID] {
		mark = "[x] "
	}
	if i.ID == m.list.at {
		cursor, style, colour = "> ", cursorStyle, colour.Reverse(true)
	}
	given := fmt.Sprintf("%d/%d", i.Given, i.Need)
	text := cursor + mark + c.row(0, describe.Text(i.short()), describe.Text(i.Requester), given, "")
	return style.Render(text) + colour.Render(pad(describe.Left(i.Until, now), c.left))
}

// deadline is until when it must be decided.
func deadline(until, now time.Time) string {
	if until.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%s)", describe.Minute(until), remaining(until, now))
}

func remaining(until, now time.Time) string {
	if !until.After(now) {
		return "over"
	}
	return describe.Left(until, now) + " left"
}
