package inbox

import (
	"context"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// screen names what is shown.
type screen int

const (
	onList screen = iota
	onDetail
	onForm
	onOutcome
)

// Model is the state of the screen. It is a [tea.Model].
type Model struct {
	o       Options
	ctx     context.Context // for calls of the backend: messages carry none
	backend Backend

	width, height int
	screen        screen
	helping       bool

	list    list
	detail  detail
	form    form
	outcome outcome
	log     []string // decisions of this run, one sentence each
}

// Options configure a screen.
type Options struct {
	Who string // the person who decides
	// Note stands at the foot of the screen, such as "not signed: …"; may be "".
	Note string
	// Every is the pause between two reads of the list.
	Every time.Duration
	Now   func() time.Time
	// After delivers a message after a delay; nil for [tea.Tick].
	After func(time.Duration, tea.Msg) tea.Cmd
}

// New makes a screen, which [Run] shows. Cancelling ctx cancels the backend's calls.
func New(ctx context.Context, backend Backend, o Options) *Model {
	if o.After == nil {
		o.After = func(d time.Duration, msg tea.Msg) tea.Cmd {
			return tea.Tick(d, func(time.Time) tea.Msg { return msg })
		}
	}
	m := &Model{o: o, ctx: ctx, backend: backend, width: 80, height: 24, list: newList()}
	m.fit()
	return m
}

// fit sets the input lines to the width of the screen.
func (m *Model) fit() {
	m.list.filter.SetWidth(max(m.width-2, 1))
	for i := range m.form.fields {
		m.form.fields[i].SetWidth(max(m.width-labelWidth-1, 1))
	}
}

// Messages.
type (
	due      struct{ round int } // time to read the list again
	listRead struct {
		items []Item
		err   error
	}
	detailRead struct {
		id     string
		detail Detail
		err    error
	}
)

// Init implements [tea.Model]: it starts the first read.
func (m *Model) Init() tea.Cmd { return m.read() }

// Update implements [tea.Model].
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.fit()
	case tea.KeyPressMsg:
		return m, m.press(msg)
	case tea.PasteMsg:
		return m, m.paste(msg)
	case due:
		if msg.round == m.list.round {
			return m, m.reload()
		}
	case listRead:
		return m, m.listRead(msg)
	case detailRead:
		m.detailRead(msg)
	case detailsRead:
		m.detailsRead(msg)
	case decided:
		return m, m.decided(msg)
	}
	return m, nil
}

// press passes a key to the current screen.
func (m *Model) press(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case key.Matches(msg, keys.kill):
		return tea.Quit
	case key.Matches(msg, keys.suspend):
		return tea.Suspend
	case m.helping:
		m.helping = false
		return nil
	}
	switch m.screen {
	case onDetail:
		return m.pressOnDetail(msg)
	case onForm:
		return m.pressOnForm(msg)
	case onOutcome:
		return m.pressOnOutcome(msg)
	case onList:
	}
	return m.pressOnList(msg)
}

// paste passes a text to the focused input line, if any.
func (m *Model) paste(msg tea.PasteMsg) tea.Cmd {
	switch {
	case m.helping:
	case m.screen == onForm:
		return m.form.typed(msg)
	case m.screen == onList && m.list.filtering:
		return m.list.typed(msg)
	}
	return nil
}

// common handles the keys that mean the same on several screens.
func (m *Model) common(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case key.Matches(msg, keys.quit):
		return tea.Quit
	case key.Matches(msg, keys.help):
		m.helping = true
	case key.Matches(msg, keys.refresh):
		return m.reload()
	}
	return nil
}

// read reads the list. The next read is due some time after its answer.
func (m *Model) read() tea.Cmd {
	m.list.reading = true
	m.list.round++
	return func() tea.Msg {
		items, err := m.backend.Pending(m.ctx)
		return listRead{items, err}
	}
}

// reload reads the list, and the detail that is shown. A read that is under way may
// return a state from before the reload, so the list is then read once more.
func (m *Model) reload() tea.Cmd {
	var commands []tea.Cmd
	if m.list.again = m.list.reading; !m.list.again {
		commands = append(commands, m.read())
	}
	if m.screen == onDetail {
		commands = append(commands, m.readDetail(m.detail.id))
	}
	return tea.Batch(commands...)
}

func (m *Model) listRead(msg listRead) tea.Cmd {
	m.list.take(msg, m.o.Now())
	if m.list.again {
		m.list.again = false
		return m.read()
	}
	return m.o.After(m.o.Every, due{m.list.round})
}

// readDetail reads one request.
func (m *Model) readDetail(id string) tea.Cmd {
	return func() tea.Msg {
		got, err := m.backend.Detail(m.ctx, id)
		return detailRead{id, got, err}
	}
}
