package inbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"sentinelone-provisioner/internal/describe"

	tea "charm.land/bubbletea/v2"
)

// Run shows the screen until the person leaves, and returns in sentences what they have
// decided, also beside an error.
func Run(ctx context.Context, desk Desk, o Options, in io.Reader, out io.Writer) ([]string, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	m := New(ctx, desk, o)
	_, err := tea.NewProgram(m,
		tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out),
		tea.WithoutSignalHandler(), // ctx is cancelled on signals
		tea.WithEnvironment(environment(os.Environ())),
	).Run()
	if n := m.form.sending; n > 0 {
		m.log = append(m.log, fmt.Sprintf("%s: it is not known whether the decision arrived: "+
			"look with `starter show %[1]s`", describe.Text(m.form.sheets[n-1].ID)))
	}
	switch {
	case ctx.Err() != nil:
		return m.log, ctx.Err()
	case errors.Is(err, tea.ErrProgramPanic):
		return m.log, fmt.Errorf("the screen broke, and nothing else: "+
			"use `starter requests` and `starter approve`: %w", err)
	}
	return m.log, err
}

// environment lets NO_COLOR be anything, as its authors say; the library takes true only.
func environment(given []string) []string {
	if os.Getenv("NO_COLOR") == "" {
		return given
	}
	return append(given, "NO_COLOR=1")
}
