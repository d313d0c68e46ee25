package inbox

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"sentinelone-provisioner/internal/describe"
)

// detailFrame is the number of lines that title, hints and blank lines take.
const detailFrame = 4

func (m *Model) viewDetail() []string {
	foot := []string{""}
	if m.detail.fault != "" {
		foot = m.few(alarmStyle.Render, "could not read it again: "+describe.Text(m.detail.fault))
	}
	foot = append(foot, m.hints("a approve", "d deny", "esc back", "r reload", "? help", "q quit"))
	lines := []string{"", "Reading …"}
	if m.detail.request != nil {
		lines = append([]string{""}, m.detailLines(*m.detail.request)...)
	}
	room := m.room(foot)
	body := m.detail.show(lines, room)
	if more := m.detail.more(lines, room); more != "" {
		foot = slices.Insert(foot, len(foot)-1, more)
		body = m.detail.show(lines, room-1)
	}
	return m.frame(titleStyle.Render(describe.Text(m.detail.id)), body, foot...)
}

// detailText collects the lines of a detail.
type detailText struct {
	lines []string
	width int
}

func (t *detailText) add(label, value string, style lipgloss.Style) {
	if value == "" {
		return
	}
	for _, line := range hang(describe.Text(label), describe.Text(value), t.width) {
		t.lines = append(t.lines, style.Render(line))
	}
}

// detailLines renders a request, each line at most as wide as the screen.
func (m *Model) detailLines(d Detail) []string {
	t := &detailText{width: m.width}
	now := m.o.Now()
	if d.Closed != "" {
		t.add("closed", d.Closed, alarmStyle)
	}
	t.add("what", d.title(), titleStyle)
	t.add("requester", d.Requester, plainStyle)
	t.add("reason", d.Reason, plainStyle)
	if d.Closed == "" {
		t.add("until", deadline(d.Until, now), urgency(d.Until, now))
	}
	t.holdings(d)
	for _, f := range d.Facts {
		style := plainStyle
		if f.Warns {
			style = warnStyle
		}
		t.add(f.Name, f.Text, style)
	}
	t.steps(d.Steps)
	t.decisions(d.Decisions)
	t.add("plan", d.Plan, faintStyle)
	return t.lines
}

// holdings adds the roles before and after the change; - marks those removed, + those
// added.
func (t *detailText) holdings(d Detail) {
	t.roles("before", "- ", d.Before, d.After, alarmStyle)
	t.roles("after", "+ ", d.After, d.Before, goodStyle)
}

func (t *detailText) roles(label, sign string, these, others []string, style lipgloss.Style) {
	for _, role := range these {
		if slices.Contains(others, role) {
			t.add(label, "  "+role, plainStyle)
		} else {
			t.add(label, sign+role, style)
		}
		label = ""
	}
}

func (t *detailText) steps(steps []Step) {
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

func (t *detailText) decisions(records []DecisionRecord) {
	label := "decided"
	for _, d := range records {
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
