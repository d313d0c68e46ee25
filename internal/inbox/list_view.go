package inbox

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"sentinelone-provisioner/internal/describe"
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
	body := []string{faintStyle.Render(c.row(markWidth, "request", "requester", "approvals", "time left"))}
	for _, item := range visible[first:min(first+room, len(visible))] {
		body = append(body, m.itemLine(c, item))
	}
	return m.frame(m.listTitle(), body, foot...)
}

// rows is the number of requests on a page.
func (m *Model) rows() int { return max(m.room(m.listFoot())-2, 1) }

func (m *Model) listTitle() string {
	count := ""
	if !m.list.readAt.IsZero() {
		count = fmt.Sprintf("%d pending", len(m.list.items))
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

// listFoot renders the filter, the last error, the note and the keys.
func (m *Model) listFoot() []string {
	foot := []string{""}
	if m.list.filtering || m.list.filter.Value() != "" {
		foot = append(foot, m.list.filter.View())
	}
	if fault := m.list.fault; fault != "" && !m.list.readAt.IsZero() {
		foot = append(foot, m.few(alarmStyle.Render, "could not reload: "+describe.Text(fault))...)
	}
	if m.o.Note != "" {
		foot = append(foot, m.few(faintStyle.Render, describe.Text(m.o.Note))...)
	}
	return append(foot, m.hints("a approve", "d deny", "enter show", "space select", "/ filter", "r reload",
		"? help", "q quit"))
}

// few wraps a remark into at most two lines.
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

// empty says why the list is empty and what to do.
func (m *Model) empty() []string {
	var text []string
	switch {
	case len(m.list.items) > 0:
		text = []string{"No pending request contains these words. Press esc to list all."}
	case m.list.readAt.IsZero() && m.list.fault != "":
		text = []string{"Could not read the requests: " + describe.Text(m.list.fault), "", "Press r to retry."}
	case m.list.readAt.IsZero():
		text = []string{"Reading pending requests …"}
	default:
		text = []string{
			"No request is pending for " + describe.Text(m.o.Who) + ".", "",
			"The list reloads every " + m.o.Every.String() + ".",
			"Is a request missing? `starter show ID` lists who may decide it. " +
				"To decide under another name, start the inbox with --by.",
		}
	}
	lines := []string{""}
	for _, t := range text {
		lines = append(lines, wrap(t, m.width)...)
	}
	return lines
}

// columns are the widths of the parts of a line in terminal columns; 0 leaves a part out.
type columns struct{ what, who, given, left int }

const (
	markWidth  = 6 // cursor and mark
	leftWidth  = 9
	givenWidth = 9
)

// columns gives the request the most room and drops the least important parts first.
func (m *Model) columns(items []Item) columns {
	c := columns{left: leftWidth}
	if m.width >= 48 {
		c.given = givenWidth
	}
	if m.width >= 72 {
		for _, i := range items {
			c.who = max(c.who, ansi.StringWidth(describe.Text(i.Requester)))
		}
		c.who = max(min(c.who, m.width/4), len("requester"))
	}
	c.what = m.width - markWidth - c.left - 1
	for _, w := range []int{c.who, c.given} {
		if w > 0 {
			c.what -= w + 1
		}
	}
	return c
}

// row renders a line; itemLine adds the time left, which has its own colour.
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
	text := cursor + mark + c.row(0, describe.Text(i.title()), describe.Text(i.Requester), given, "")
	return style.Render(text) + colour.Render(pad(describe.Left(i.Until, now), c.left))
}

// deadline renders the time until which a request can be decided; "" for none.
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
