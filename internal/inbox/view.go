package inbox

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"sentinelone-provisioner/internal/describe"
)

// The smallest usable window, in columns and lines.
const (
	minWidth  = 24
	minHeight = 8
)

// View implements [tea.Model].
func (m *Model) View() tea.View {
	v := tea.NewView(strings.Join(m.lines(), "\n"))
	v.AltScreen = true
	v.WindowTitle = "starter inbox"
	return v
}

func (m *Model) lines() []string {
	switch {
	case m.width < minWidth || m.height < minHeight:
		return []string{cut("make this window larger", m.width)}
	case m.helping:
		return m.frame(titleStyle.Render("Keys"), m.help(), "press any key to go back")
	}
	switch m.screen {
	case onDetail:
		return m.viewDetail()
	case onForm:
		return m.viewForm()
	case onOutcome:
		return m.viewOutcome()
	case onList:
	}
	return m.viewList()
}

// frame lays out a screen: a title, a body that fills it, and lines at the foot.
func (m *Model) frame(title string, body []string, foot ...string) []string {
	room := m.room(foot)
	out := append([]string{title}, body[:min(len(body), room)]...)
	for len(out) < room+1 {
		out = append(out, "")
	}
	out = append(out, foot...)
	for i, line := range out {
		out[i] = cut(line, m.width)
	}
	return out
}

// room is the number of lines between the title and the foot.
func (m *Model) room(foot []string) int { return max(m.height-1-len(foot), 1) }

func (m *Model) help() []string {
	lines := []string{""}
	for _, h := range helpText {
		lines = append(lines, hang(h[0], h[1], m.width)...)
	}
	return lines
}

// hints renders the keys at the foot of the screen. If they do not fit, it drops those
// before the last two, which are help and the way out.
func (m *Model) hints(all ...string) string {
	for n := len(all) - 2; n >= 0; n-- {
		text := strings.Join(append(append([]string{}, all[:n]...), all[len(all)-2:]...), "  ")
		if ansi.StringWidth(text) <= m.width || n == 0 {
			return faintStyle.Render(text)
		}
	}
	return ""
}

// pane scrolls a text that may be longer than the screen.
type pane struct{ top int } // index of the first visible line

// show returns the visible lines.
func (p *pane) show(lines []string, room int) []string {
	p.top = min(max(p.top, 0), max(len(lines)-room, 0))
	return lines[p.top:min(p.top+room, len(lines))]
}

// more says how many lines are below the visible ones; "" for none.
func (p *pane) more(lines []string, room int) string {
	if below := len(lines) - p.top - room; below > 0 {
		return warnStyle.Render(describe.Plural(below, "more line") + " below: page down")
	}
	return ""
}

func (p *pane) press(name string, page int) {
	switch name {
	case "up":
		p.top--
	case "down":
		p.top++
	case "pgup", "ctrl+b":
		p.top -= page
	case "pgdown", "ctrl+f":
		p.top += page
	case "home":
		p.top = 0
	case "end":
		p.top = 1 << 20
	}
}
