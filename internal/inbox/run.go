package inbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	tea "charm.land/bubbletea/v2"

	"sentinelone-provisioner/internal/describe"
)

// Run shows the screen on in and out until the person leaves or ctx ends. It returns one
// sentence per decision, also together with an error.
func Run(ctx context.Context, backend Backend, o Options, in io.Reader, out io.Writer) ([]string, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	m := New(ctx, backend, o)
	_, err := tea.NewProgram(m,
		tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out),
		tea.WithoutSignalHandler(), // ctx is cancelled on signals
		tea.WithEnvironment(environment(os.Environ())),
	).Run()
	if n := m.form.sending; n > 0 {
		m.log = append(m.log, fmt.Sprintf("%s: cannot tell whether the decision arrived: "+
			"check with `starter show %[1]s`", describe.Text(m.form.details[n-1].ID)))
	}
	switch {
	case ctx.Err() != nil:
		return m.log, ctx.Err()
	case errors.Is(err, tea.ErrProgramPanic):
		return m.log, fmt.Errorf("the inbox crashed (requests are not affected): "+
			"use `starter requests` and `starter approve`: %w", err)
	}
	return m.log, err
}

// environment makes any value of NO_COLOR turn colours off; the library takes true only.
func environment(given []string) []string {
	if os.Getenv("NO_COLOR") == "" {
		return given
	}
	return append(given, "NO_COLOR=1")
}
