package inbox

import (
	"fmt"

	"sentinelone-provisioner/internal/describe"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// outcome is what became of decisions.
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

// decided is the desk's answer to one decision.
type decided struct {
	id, text string
	err      error
}

// send sends the next decision. They go one after another: a key that asks its owner
// each time asks one question at a time.
func (m *Model) send() tea.Cmd {
	f := &m.form
	length, _ := f.shorter() // checked before the yes
	s := f.sheets[f.sending]
	f.sending++
	d := Decision{ID: s.ID, Plan: s.Plan, Action: f.action, Comment: f.value(fieldComment), For: length}
	return func() tea.Msg {
		text, err := m.desk.Decide(m.ctx, d)
		return decided{d.ID, text, err}
	}
}

// decided notes an answer. What was refused keeps its mark.
func (m *Model) decided(msg decided) tea.Cmd {
	if msg.err != nil {
		m.outcome.lines = append(m.outcome.lines, result{fmt.Sprintf("%s: %v", msg.id, msg.err), true})
	} else {
		delete(m.list.marked, msg.id)
		m.outcome.lines = append(m.outcome.lines, result{text: msg.text})
		m.log = append(m.log, describe.Text(msg.text))
	}
	if m.form.sending < len(m.form.sheets) {
		return m.send()
	}
	m.form = form{round: m.form.round}
	m.screen = onOutcome
	return m.readAgain()
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
		title += fmt.Sprintf(", %d not taken", failed)
	}
	foot := []string{"", m.hints("enter back to the list", "? help", "q quit")}
	return m.frame(titleStyle.Render(title), m.outcome.show(lines, m.room(foot)), foot...)
}
