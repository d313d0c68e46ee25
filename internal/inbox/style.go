package inbox

import (
	"time"

	"charm.land/lipgloss/v2"
)

// Colours are the terminal's own sixteen, so that they suit its theme. Nothing is said
// by colour alone.
var (
	titleStyle  = lipgloss.NewStyle().Bold(true)
	faintStyle  = lipgloss.NewStyle().Faint(true)
	cursorStyle = lipgloss.NewStyle().Reverse(true)
	alarmStyle  = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Red)
	warnStyle   = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	goodStyle   = lipgloss.NewStyle().Foreground(lipgloss.Green)
	plainStyle  = lipgloss.NewStyle()
)

// How near a deadline is coloured.
const (
	pressing = time.Hour
	soon     = 4 * time.Hour
)

func urgency(until, now time.Time) lipgloss.Style {
	switch d := until.Sub(now); {
	case until.IsZero() || d >= soon:
		return plainStyle
	case d >= pressing:
		return warnStyle
	}
	return alarmStyle
}
