package inbox

import (
	"context"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// screen is what is shown.
type screen int

const (
	onList screen = iota
	onSheet
	onForm
	onOutcome
)

// Model is the state of the screen. It is a [tea.Model].
type Model struct {
	o    Options
	ctx  context.Context // of what the desk does: messages carry none
	desk Desk

	width, height int
	screen        screen
	helping       bool

	list    list
	sheet   sheet
	form    form
	outcome outcome
	log     []string // what was decided, in sentences
}

// Options are what a screen needs beside its desk.
type Options struct {
	Who string // whose inbox it is
	// Note is said at the foot of the screen, such as that nothing is signed; may be "".
	Note string
	// Every is how often the list is read.
	Every time.Duration
	Now   func() time.Time
	// After delivers a message after a time; nil for the real thing.
	After func(time.Duration, tea.Msg) tea.Cmd
}

// New makes a screen, which [Run] shows. Cancelling ctx stops what the desk is doing.
func New(ctx context.Context, desk Desk, o Options) *Model {
	if o.After == nil {
		o.After = func(d time.Duration, msg tea.Msg) tea.Cmd {
			return tea.Tick(d, func(time.Time) tea.Msg { return msg })
		}
	}
	m := &Model{o: o, ctx: ctx, desk: desk, width: 80, height: 24, list: newList()}
	m.fit()
	return m
}

// fit gives the lines that are typed into the width of the screen.
func (m *Model) fit() {
	m.list.filter.SetWidth(max(m.width-2, 1))
	for i := range m.form.fields {
		m.form.fields[i].SetWidth(max(m.width-labelWidth-1, 1))
	}
}

// Messages.
type (
	due    struct{ round int } // time to read again
	listed struct {
		items []Item
		err   error
	}
	shown struct {
		id    string
		sheet Sheet
		err   error
	}
)

// Init starts the first reading.
func (m *Model) Init() tea.Cmd { return m.read() }

// Update takes what has happened.
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
			return m, m.readAgain()
		}
	case listed:
		return m, m.listed(msg)
	case shown:
		m.shown(msg)
	case gathered:
		m.gathered(msg)
	case decided:
		return m, m.decided(msg)
	}
	return m, nil
}

// press hands a key to what is shown.
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
	case onSheet:
		return m.pressOnSheet(msg)
	case onForm:
		return m.pressOnForm(msg)
	case onOutcome:
		return m.pressOnOutcome(msg)
	case onList:
	}
	return m.pressOnList(msg)
}

// paste hands a text to the field that is typed into, if any.
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

// common are keys that mean the same on the list and on a sheet.
func (m *Model) common(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case key.Matches(msg, keys.quit):
		return tea.Quit
	case key.Matches(msg, keys.help):
		m.helping = true
	case key.Matches(msg, keys.refresh):
		return m.readAgain()
	}
	return nil
}

// read asks the desk for the list. The next reading comes a while after its answer.
func (m *Model) read() tea.Cmd {
	m.list.reading = true
	m.list.round++
	return func() tea.Msg {
		items, err := m.desk.Waiting(m.ctx)
		return listed{items, err}
	}
}

// readAgain reads the list, and the sheet that is shown. What is being read may be from
// before something that has happened, so it is read once more then.
func (m *Model) readAgain() tea.Cmd {
	var commands []tea.Cmd
	if m.list.again = m.list.reading; !m.list.again {
		commands = append(commands, m.read())
	}
	if m.screen == onSheet {
		commands = append(commands, m.show(m.sheet.id))
	}
	return tea.Batch(commands...)
}

func (m *Model) listed(msg listed) tea.Cmd {
	m.list.take(msg, m.o.Now())
	if m.list.again {
		m.list.again = false
		return m.read()
	}
	return m.o.After(m.o.Every, due{m.list.round})
}

// show asks the desk for one request.
func (m *Model) show(id string) tea.Cmd {
	return func() tea.Msg {
		got, err := m.desk.Show(m.ctx, id)
		return shown{id, got, err}
	}
}
