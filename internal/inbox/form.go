package inbox

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// form is the state of the screen that takes a decision: the plans, a comment, a
// shorter time, a confirmation.
type form struct {
	pane

	action  string
	from    screen // where esc goes back to
	round   int    // of reading the requests; answers to earlier rounds are ignored
	ids     []string
	details []Detail // requests that can be decided
	skipped []string // why each other request cannot be decided
	ready   bool     // the requests have been read
	fields  []field
	at      int // index of the focused field
	fault   string
	sending int // number of decisions sent; 0 before the confirmation
}

// field is one input line of a form.
type field struct {
	textinput.Model

	name string
}

// Names of fields.
const (
	fieldComment = "comment"
	fieldShorter = "only for"
	fieldConfirm = "type yes"
)

// detailsRead is the message that the requests of a form have been read.
type detailsRead struct {
	round   int
	details []Detail // one per id of the form
	errs    []error  // one per id; nil where the read succeeded
}

// openForm reads the requests again, so that the person decides on the current plans.
func (m *Model) openForm(action string, ids []string) tea.Cmd {
	if len(ids) == 0 {
		return nil
	}
	m.form = form{action: action, ids: ids, from: m.screen, round: m.form.round + 1}
	m.screen = onForm
	return m.readDetails(m.form.round, ids)
}

// maxReads bounds how many requests are read concurrently.
const maxReads = 8

func (m *Model) readDetails(round int, ids []string) tea.Cmd {
	return func() tea.Msg {
		out := detailsRead{round, make([]Detail, len(ids)), make([]error, len(ids))}
		slots := make(chan struct{}, maxReads)
		var all sync.WaitGroup
		for i, id := range ids {
			all.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				out.details[i], out.errs[i] = m.backend.Detail(m.ctx, id)
			})
		}
		all.Wait()
		return out
	}
}

func (m *Model) detailsRead(msg detailsRead) {
	f := &m.form
	if msg.round != f.round || f.ready {
		return
	}
	f.ready = true
	for i, d := range msg.details {
		switch err := msg.errs[i]; {
		case err != nil:
			f.skipped = append(f.skipped, fmt.Sprintf("%s: %v", f.ids[i], err))
		case d.Closed != "":
			f.skipped = append(f.skipped, fmt.Sprintf("%s: %s", f.ids[i], d.Closed))
		default:
			f.details = append(f.details, d)
		}
	}
	if len(f.details) == 0 {
		return
	}
	names := []string{fieldComment, fieldShorter, fieldConfirm}
	for _, name := range names {
		if name == fieldShorter && !f.shortens() {
			continue
		}
		f.fields = append(f.fields, field{newField(""), name})
	}
	m.fit()
	f.focus(0)
}

// shortens reports whether the person may set a shorter time for all requests.
func (f *form) shortens() bool {
	for _, d := range f.details {
		if !d.Shortens {
			return false
		}
	}
	return f.action == Approve
}

func (f *form) focus(at int) {
	f.fields[f.at].Blur()
	f.at = (at + len(f.fields)) % len(f.fields)
	f.fields[f.at].Focus() // drop its command: it only blinks the cursor
}

func (f *form) value(name string) string {
	for _, field := range f.fields {
		if field.name == name {
			return strings.TrimSpace(field.Value())
		}
	}
	return ""
}

// typed passes a key or a paste to the focused field.
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
	case f.sending > 0: // a sent decision cannot be withdrawn
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
		return m.submit()
	default:
		return f.typed(msg)
	}
	return nil
}

// submit handles enter: it moves to the next field, or from the last field starts
// sending.
func (m *Model) submit() tea.Cmd {
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
	if !strings.EqualFold(f.value(fieldConfirm), "yes") {
		f.fault = "nothing sent: confirmation not given (type yes)"
		return nil
	}
	m.outcome = outcome{action: f.action, total: len(f.details), lines: f.skippedResults()}
	return m.send()
}

// skippedResults lists the selected requests that cannot be decided as failures.
func (f *form) skippedResults() []result {
	var out []result
	for _, text := range f.skipped {
		out = append(out, result{text: text, failed: true})
	}
	return out
}

// shorter parses the shorter time of an approval; 0 for the requested one.
func (f *form) shorter() (time.Duration, error) {
	text := f.value(fieldShorter)
	if text == "" {
		return 0, nil
	}
	length, err := time.ParseDuration(text)
	if err != nil || length <= 0 {
		return 0, fmt.Errorf("invalid duration %q: write 2h or 90m, or leave it empty for the requested time", text)
	}
	for _, d := range f.details {
		if d.Length > 0 && length > d.Length {
			return 0, fmt.Errorf("%s is limited to %s: enter a shorter time, not a longer one", d.ID,
				describe.Duration(access.Duration(d.Length)))
		}
	}
	return length, nil
}
