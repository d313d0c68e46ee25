package inbox

import (
	"fmt"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"sentinelone-provisioner/internal/describe"
)

// outcome is the state of the screen that shows the results of the sent decisions.
type outcome struct {
	pane

	action string
	total  int
	lines  []result
}

type result struct {
	text   string
	failed bool
}

// decided is the message with the backend's answer to one decision.
type decided struct {
	id, text string
	err      error
}

// send sends the next decision. Decisions are sent one after another, so that a
// security key asks for one touch at a time.
func (m *Model) send() tea.Cmd {
	f := &m.form
	length, _ := f.shorter() // submit has checked it
	request := f.details[f.sending]
	f.sending++
	d := Decision{ID: request.ID, Plan: request.Plan, Action: f.action, Comment: f.value(fieldComment), For: length}
	return func() tea.Msg {
		text, err := m.backend.Decide(m.ctx, d)
		return decided{d.ID, text, err}
	}
}

// decided records an answer. A request whose decision failed keeps its mark.
func (m *Model) decided(msg decided) tea.Cmd {
	if msg.err != nil {
		m.outcome.lines = append(m.outcome.lines, result{fmt.Sprintf("%s: %v", msg.id, msg.err), true})
	} else {
		delete(m.list.marked, msg.id)
		m.outcome.lines = append(m.outcome.lines, result{text: msg.text})
		m.log = append(m.log, describe.Text(msg.text))
	}
	if m.form.sending < len(m.form.details) {
		return m.send()
	}
	m.form = form{round: m.form.round}
	m.screen = onOutcome
	return m.reload()
}

func (m *Model) pressOnOutcome(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case key.Matches(msg, keys.back, keys.enter):
		m.screen = onList
	case key.Matches(msg, keys.up, keys.down, keys.pageUp, keys.pageDown):
		m.outcome.press(msg.String(), m.height/2)
	default:
		return m.common(msg)
	}
	return nil
}

func (m *Model) viewOutcome() []string {
	lines := []string{""}
	failed := 0
	for _, r := range m.outcome.lines {
		sign, style := "done", goodStyle
		if r.failed {
			failed++
			sign, style = "failed", alarmStyle
		}
		for _, line := range hang(sign, describe.Text(r.text), m.width) {
			lines = append(lines, style.Render(line))
		}
	}
	title := fmt.Sprintf("%s: %d sent", capital(m.outcome.action), m.outcome.total)
	if failed > 0 {
		title += fmt.Sprintf(", %d failed", failed)
	}
	foot := []string{"", m.hints("enter back to the list", "? help", "q quit")}
	return m.frame(titleStyle.Render(title), m.outcome.show(lines, m.room(foot)), foot...)
}
