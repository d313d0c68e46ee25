package inbox

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// sheet is one request on the screen.
type sheet struct {
	pane

	id    string
	got   *Sheet // nil until it is read
	fault string // why it could not be read again, or ""
}

// openSheet shows one request.
func (m *Model) openSheet(id string) tea.Cmd {
	if id == "" {
		return nil
	}
	m.sheet = sheet{id: id}
	m.screen = onSheet
	return m.show(id)
}

func (m *Model) shown(msg shown) {
	if msg.id != m.sheet.id {
		return // another one is looked at by now
	}
	m.sheet.fault = ""
	if msg.err != nil {
		m.sheet.fault = msg.err.Error()
		return
	}
	m.sheet.got = &msg.sheet
}

func (m *Model) pressOnSheet(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case key.Matches(msg, keys.back):
		m.screen = onList
	case key.Matches(msg, keys.up):
		m.sheet.top--
	case key.Matches(msg, keys.down):
		m.sheet.top++
	case key.Matches(msg, keys.approve):
		return m.openForm(Approve, []string{m.sheet.id})
	case key.Matches(msg, keys.deny):
		return m.openForm(Deny, []string{m.sheet.id})
	case key.Matches(msg, keys.pageUp, keys.pageDown, keys.top, keys.bottom):
		m.sheet.press(msg.String(), m.height-sheetFrame)
	default:
		return m.common(msg)
	}
	return nil
}
