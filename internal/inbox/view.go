package inbox

import (
	"strings"

	"sentinelone-provisioner/internal/describe"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// The smallest window that shows anything of use.
const (
	leastWidth  = 24
	leastHeight = 8
)

// View draws the screen.
func (m *Model) View() tea.View {
	v := tea.NewView(strings.Join(m.lines(), "\n"))
	v.AltScreen = true
	v.WindowTitle = "starter inbox"
	return v
}

func (m *Model) lines() []string {
	switch {
	case m.width < leastWidth || m.height < leastHeight:
		return []string{cut("make this window larger", m.width)}
	case m.helping:
		return m.frame(titleStyle.Render("Keys"), m.help(), "any key goes back")
	}
	switch m.screen {
	case onSheet:
		return m.viewSheet()
	case onForm:
		return m.viewForm()
	case onOutcome:
		return m.viewOutcome()
	case onList:
	}
	return m.viewList()
}

// frame is a screen: a title, a body that fills it, and lines at the foot.
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

// room is how many lines there are between the title and the foot.
func (m *Model) room(foot []string) int { return max(m.height-1-len(foot), 1) }

func (m *Model) help() []string {
	lines := []string{""}
	for _, h := range helpText {
		lines = append(lines, hang(h[0], h[1], m.width)...)
	}
	return lines
}

// hints are keys at the foot of the screen. Where they do not fit, those in the middle
// go first: the last two are how to learn of the others, and how to leave.
func (m *Model) hints(all ...string) string {
	for n := len(all) - 2; n >= 0; n-- {
		text := strings.Join(append(append([]string{}, all[:n]...), all[len(all)-2:]...), "  ")
		if ansi.StringWidth(text) <= m.width || n == 0 {
			return faintStyle.Render(text)
		}
	}
	return ""
}

// pane is a text that may be longer than the screen.
type pane struct{ top int }

// show is the part that is seen.
func (p *pane) show(lines []string, room int) []string {
	p.top = min(max(p.top, 0), max(len(lines)-room, 0))
	return lines[p.top:min(p.top+room, len(lines))]
}

// more says that there is more of it, or "".
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
