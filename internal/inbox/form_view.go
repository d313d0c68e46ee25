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

// formLines renders the plans, which stand above the input fields.
func (m *Model) formLines() []string {
	f := &m.form
	if !f.ready {
		return []string{"", "Reading the plans …"}
	}
	lines := []string{""}
	for _, text := range f.skipped {
		for _, line := range hang("skipped", describe.Text(text), m.width) {
			lines = append(lines, alarmStyle.Render(line))
		}
	}
	if len(f.skipped) > 0 {
		lines = append(lines, "")
	}
	for _, d := range f.details {
		lines = append(lines, titleStyle.Render(describe.Text(d.ID)))
		lines = append(lines, m.detailLines(d)...)
		lines = append(lines, "")
	}
	return lines
}

// placeholder says what to write into a field.
func (f *form) placeholder(name string) string {
	switch name {
	case fieldComment:
		return "why, for the record; optional"
	case fieldShorter:
		return "a shorter time, such as 2h; empty for the requested time"
	}
	return "to confirm, then press enter"
}

func (m *Model) formFoot() []string {
	f := &m.form
	if f.sending > 0 {
		return []string{
			"", fmt.Sprintf("Sending %d of %d …", f.sending, len(f.details)),
			faintStyle.Render(cut("your security key may need a touch", m.width)),
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
	return append(foot, m.hints("enter continue", "tab next field", "up/down scroll", "esc back", "ctrl+c quit"))
}

func (m *Model) fieldLine(i int, field field) string {
	label := pad(field.name, labelWidth)
	if i != m.form.at {
		if field.Value() == "" {
			return label + faintStyle.Render(m.form.placeholder(field.name))
		}
		return label + describe.Text(field.Value())
	}
	if field.Value() == "" {
		placeholder := faintStyle.Render(" " + m.form.placeholder(field.name))
		return titleStyle.Render(label) + cursorStyle.Render(" ") + placeholder
	}
	return titleStyle.Render(label) + field.View()
}
