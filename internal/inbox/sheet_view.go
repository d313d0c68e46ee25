package inbox

import (
	"fmt"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/describe"

	"charm.land/lipgloss/v2"
)

// sheetFrame is how many lines around a sheet are not its own.
const sheetFrame = 4

func (m *Model) viewSheet() []string {
	foot := []string{""}
	if m.sheet.fault != "" {
		foot = m.few(alarmStyle.Render, "not read: "+describe.Text(m.sheet.fault))
	}
	foot = append(foot, m.hints("a approve", "d deny", "esc back", "r read again", "? help", "q quit"))
	lines := []string{"", "Reading …"}
	if m.sheet.got != nil {
		lines = append([]string{""}, m.sheetLines(*m.sheet.got)...)
	}
	room := m.room(foot)
	body := m.sheet.show(lines, room)
	if more := m.sheet.more(lines, room); more != "" {
		foot = slices.Insert(foot, len(foot)-1, more)
		body = m.sheet.show(lines, room-1)
	}
	return m.frame(titleStyle.Render(describe.Text(m.sheet.id)), body, foot...)
}

// text is a sheet while it is put into lines.
type text struct {
	lines []string
	width int
}

func (t *text) add(label, value string, style lipgloss.Style) {
	if value == "" {
		return
	}
	for _, line := range hang(describe.Text(label), describe.Text(value), t.width) {
		t.lines = append(t.lines, style.Render(line))
	}
}

// sheetLines are a request in lines as wide as the screen.
func (m *Model) sheetLines(s Sheet) []string {
	t := &text{width: m.width}
	now := m.o.Now()
	if s.Closed != "" {
		t.add("closed", s.Closed, alarmStyle)
	}
	t.add("what", s.short(), titleStyle)
	t.add("who asks", s.Requester, plainStyle)
	t.add("reason", s.Reason, plainStyle)
	if s.Closed == "" {
		t.add("until", deadline(s.Until, now), urgency(s.Until, now))
	}
	t.holdings(s)
	for _, f := range s.Facts {
		style := plainStyle
		if f.Warns {
			style = warnStyle
		}
		t.add(f.Name, f.Text, style)
	}
	t.steps(s.Steps)
	t.decisions(s.Decisions)
	t.add("plan", s.Plan, faintStyle)
	return t.lines
}

// holdings are what there is and what there would be, with a sign where they differ.
func (t *text) holdings(s Sheet) {
	t.roles("before", "- ", s.Before, s.After, alarmStyle)
	t.roles("after", "+ ", s.After, s.Before, goodStyle)
}

func (t *text) roles(label, sign string, these, others []string, style lipgloss.Style) {
	for _, role := range these {
		if slices.Contains(others, role) {
			t.add(label, "  "+role, plainStyle)
		} else {
			t.add(label, sign+role, style)
		}
		label = ""
	}
}

func (t *text) steps(steps []Step) {
	label := "steps"
	for i, s := range steps {
		state, style := "later", faintStyle
		switch {
		case s.Open:
			state, style = "open", plainStyle
		case s.Given >= s.Need:
			state = "done"
		}
		line := fmt.Sprintf("%d. %s: %d of %d from %s", i+1, state, s.Given, s.Need, strings.Join(s.Groups, ", "))
		if s.Open && len(s.People) > 0 {
			line += "; may decide: " + strings.Join(s.People, ", ")
		}
		t.add(label, line, style)
		label = ""
	}
}

func (t *text) decisions(said []Said) {
	label := "decided"
	for _, d := range said {
		line := fmt.Sprintf("%s by %s at %s", d.Action, d.By, describe.Minute(d.At))
		if d.OnBehalfOf != "" {
			line += " for " + d.OnBehalfOf
		}
		if d.Narrowed != "" {
			line += ", " + d.Narrowed
		}
		if d.Comment != "" {
			line += ": " + d.Comment
		}
		style := goodStyle
		if d.Action == Deny {
			style = alarmStyle
		}
		t.add(label, line+" ("+d.Signed+")", style)
		label = ""
	}
}
