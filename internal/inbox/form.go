package inbox

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// form is a decision while it is made: the plans, a comment, a shorter time, a yes.
type form struct {
	pane

	action  string
	from    screen // to which esc goes back
	round   int    // of gathering; an answer to an earlier one is too late
	ids     []string
	sheets  []Sheet  // that can be decided
	left    []string // sentences about those that cannot
	ready   bool
	fields  []field
	at      int // field
	fault   string
	sending int // how many have been sent; 0 before the yes
}

// field is one line of a form.
type field struct {
	textinput.Model

	name string
}

// Names of fields.
const (
	fieldComment = "comment"
	fieldShorter = "only for"
	fieldYes     = "type yes"
)

// gathered are the sheets of a form.
type gathered struct {
	round  int
	sheets []Sheet
	errs   []error
}

// openForm reads the requests anew, since what is decided must be what is seen.
func (m *Model) openForm(action string, ids []string) tea.Cmd {
	if len(ids) == 0 {
		return nil
	}
	m.form = form{action: action, ids: ids, from: m.screen, round: m.form.round + 1}
	m.screen = onForm
	return m.gather(m.form.round, ids)
}

// gatherAtOnce bounds how many requests are read side by side.
const gatherAtOnce = 8

func (m *Model) gather(round int, ids []string) tea.Cmd {
	return func() tea.Msg {
		out := gathered{round, make([]Sheet, len(ids)), make([]error, len(ids))}
		slots := make(chan struct{}, gatherAtOnce)
		var all sync.WaitGroup
		for i, id := range ids {
			all.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				out.sheets[i], out.errs[i] = m.desk.Show(m.ctx, id)
			})
		}
		all.Wait()
		return out
	}
}

func (m *Model) gathered(msg gathered) {
	f := &m.form
	if msg.round != f.round || f.ready {
		return
	}
	f.ready = true
	for i, s := range msg.sheets {
		switch err := msg.errs[i]; {
		case err != nil:
			f.left = append(f.left, fmt.Sprintf("%s: %v", f.ids[i], err))
		case s.Closed != "":
			f.left = append(f.left, fmt.Sprintf("%s: %s", f.ids[i], s.Closed))
		default:
			f.sheets = append(f.sheets, s)
		}
	}
	if len(f.sheets) == 0 {
		return
	}
	names := []string{fieldComment, fieldShorter, fieldYes}
	for _, name := range names {
		if name == fieldShorter && !f.shortens() {
			continue
		}
		f.fields = append(f.fields, field{newField(""), name})
	}
	m.fit()
	f.focus(0)
}

// shortens says that a shorter time makes sense for all of them.
func (f *form) shortens() bool {
	for _, s := range f.sheets {
		if !s.Shortens {
			return false
		}
	}
	return f.action == Approve
}

func (f *form) focus(at int) {
	f.fields[f.at].Blur()
	f.at = (at + len(f.fields)) % len(f.fields)
	f.fields[f.at].Focus() // its command would only blink
}

func (f *form) value(name string) string {
	for _, field := range f.fields {
		if field.name == name {
			return strings.TrimSpace(field.Value())
		}
	}
	return ""
}

// typed hands something to the field that is typed into.
func (f *form) typed(msg tea.Msg) tea.Cmd {
	if f.sending > 0 || len(f.fields) == 0 {
		return nil
	}
	var command tea.Cmd
	f.fields[f.at].Model, command = f.fields[f.at].Update(msg)
	return command
}

func (m *Model) pressOnForm(msg tea.KeyPressMsg) tea.Cmd {
	f := &m.form
	switch name := msg.String(); {
	case f.sending > 0: // it cannot be called back
	case name == "esc":
		m.screen = f.from
	case name == "up" || name == "down" || name == "pgup" || name == "pgdown":
		f.press(name, m.height/2)
	case len(f.fields) == 0:
		if f.ready && key.Matches(msg, keys.enter) {
			m.screen = f.from
		}
	case key.Matches(msg, keys.next):
		f.focus(f.at + 1)
	case key.Matches(msg, keys.previous):
		f.focus(f.at - 1)
	case key.Matches(msg, keys.enter):
		return m.goOn()
	default:
		return f.typed(msg)
	}
	return nil
}

// goOn is enter: the next field, and from the last on, the sending.
func (m *Model) goOn() tea.Cmd {
	f := &m.form
	f.fault = ""
	if _, err := f.shorter(); err != nil {
		f.fault = err.Error()
		return nil
	}
	if f.at < len(f.fields)-1 {
		f.focus(f.at + 1)
		return nil
	}
	if !strings.EqualFold(f.value(fieldYes), "yes") {
		f.fault = "nothing is sent: that was no yes"
		return nil
	}
	m.outcome = outcome{action: f.action, total: len(f.sheets), lines: f.notDecided()}
	return m.send()
}

// notDecided are those that were asked for and are left out.
func (f *form) notDecided() []result {
	var out []result
	for _, text := range f.left {
		out = append(out, result{text: text, failed: true})
	}
	return out
}

// shorter is the time that consent is for; 0 for what was asked.
func (f *form) shorter() (time.Duration, error) {
	text := f.value(fieldShorter)
	if text == "" {
		return 0, nil
	}
	length, err := time.ParseDuration(text)
	if err != nil || length <= 0 {
		return 0, fmt.Errorf("%q is no length of time: write 2h or 90m, or nothing for what was asked", text)
	}
	for _, s := range f.sheets {
		if s.Length > 0 && length > s.Length {
			return 0, fmt.Errorf("%s was asked for %s: you may shorten that, not lengthen it", s.ID, s.Length)
		}
	}
	return length, nil
}
