package inbox

import (
	"fmt"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/describe"
)

func (m *Model) viewForm() []string {
	f := &m.form
	foot := m.formFoot()
	room := m.room(foot)
	lines := m.formLines()
	body := f.show(lines, room)
	if more := f.more(lines, room); more != "" && f.sending == 0 {
		foot = slices.Insert(foot, 0, more)
		body = f.show(lines, room-1)
	}
	return m.frame(titleStyle.Render(m.formTitle()), body, foot...)
}

func (m *Model) formTitle() string {
	requests := describe.Plural(len(m.form.ids), "request")
	return fmt.Sprintf("%s %s as %s", capital(m.form.action), requests, describe.Text(m.o.Who))
}

func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// formLines are the plans, above what is typed.
func (m *Model) formLines() []string {
	f := &m.form
	if !f.ready {
		return []string{"", "Reading the plans …"}
	}
	lines := []string{""}
	for _, text := range f.left {
		for _, line := range hang("left out", describe.Text(text), m.width) {
			lines = append(lines, alarmStyle.Render(line))
		}
	}
	if len(f.left) > 0 {
		lines = append(lines, "")
	}
	for _, s := range f.sheets {
		lines = append(lines, titleStyle.Render(describe.Text(s.ID)))
		lines = append(lines, m.sheetLines(s)...)
		lines = append(lines, "")
	}
	return lines
}

// about says what to write into a field.
func (f *form) about(name string) string {
	switch name {
	case fieldComment:
		return "why, for the record; may be empty"
	case fieldShorter:
		return "a shorter time, such as 2h; empty for what was asked"
	}
	return "and press enter"
}

func (m *Model) formFoot() []string {
	f := &m.form
	if f.sending > 0 {
		return []string{
			"", fmt.Sprintf("Sending %d of %d …", f.sending, len(f.sheets)),
			faintStyle.Render(cut("a security key may be waiting to be touched", m.width)),
		}
	}
	foot := []string{""}
	for i, field := range f.fields {
		foot = append(foot, m.fieldLine(i, field))
	}
	if f.fault != "" {
		foot = append(foot, m.few(alarmStyle.Render, describe.Text(f.fault))...)
	}
	if len(f.fields) == 0 {
		return append(foot, m.hints("esc back", "ctrl+c quit"))
	}
	return append(foot, m.hints("enter go on", "tab next field", "up/down scroll", "esc back", "ctrl+c quit"))
}

func (m *Model) fieldLine(i int, field field) string {
	label := pad(field.name, labelWidth)
	if i != m.form.at {
		if field.Value() == "" {
			return label + faintStyle.Render(m.form.about(field.name))
		}
		return label + describe.Text(field.Value())
	}
	if field.Value() == "" {
		return titleStyle.Render(label) + cursorStyle.Render(" ") + faintStyle.Render(" "+m.form.about(field.name))
	}
	return titleStyle.Render(label) + field.View()
}
