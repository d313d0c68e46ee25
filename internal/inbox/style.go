package inbox

import (
	"time"

	"charm.land/lipgloss/v2"
)

// Colours are the terminal's own sixteen, so that they suit its theme. No information is
// in the colour alone.
var (
	titleStyle  = lipgloss.NewStyle().Bold(true)
	faintStyle  = lipgloss.NewStyle().Faint(true)
	cursorStyle = lipgloss.NewStyle().Reverse(true)
	alarmStyle  = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Red)
	warnStyle   = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	goodStyle   = lipgloss.NewStyle().Foreground(lipgloss.Green)
	plainStyle  = lipgloss.NewStyle()
)

// Times before a deadline from which it is coloured.
const (
	urgentBelow = time.Hour
	soonBelow   = 4 * time.Hour
)

func urgency(until, now time.Time) lipgloss.Style {
	switch d := until.Sub(now); {
	case until.IsZero() || d >= soonBelow:
		return plainStyle
	case d >= urgentBelow:
		return warnStyle
	}
	return alarmStyle
}
