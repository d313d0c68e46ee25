package inbox

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// detail is the state of the screen that shows one request.
type detail struct {
	pane

	id      string
	request *Detail // nil until the first read succeeds
	fault   string  // why the last read failed, or ""
}

// openDetail switches to one request and reads it.
func (m *Model) openDetail(id string) tea.Cmd {
	if id == "" {
		return nil
	}
	m.detail = detail{id: id}
	m.screen = onDetail
	return m.readDetail(id)
}

func (m *Model) detailRead(msg detailRead) {
	if msg.id != m.detail.id {
		return // the person has moved on to another request
	}
	m.detail.fault = ""
	if msg.err != nil {
		m.detail.fault = msg.err.Error()
		return
	}
	m.detail.request = &msg.detail
}

func (m *Model) pressOnDetail(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case key.Matches(msg, keys.back):
		m.screen = onList
	case key.Matches(msg, keys.up):
		m.detail.top--
	case key.Matches(msg, keys.down):
		m.detail.top++
	case key.Matches(msg, keys.approve):
		return m.openForm(Approve, []string{m.detail.id})
	case key.Matches(msg, keys.deny):
		return m.openForm(Deny, []string{m.detail.id})
	case key.Matches(msg, keys.pageUp, keys.pageDown, keys.top, keys.bottom):
		m.detail.press(msg.String(), m.height-detailFrame)
	default:
		return m.common(msg)
	}
	return nil
}
