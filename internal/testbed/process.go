package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a started program with its output.
type Process struct {
	cmd    *exec.Cmd
	output *Output
	done   chan struct{}
	err    error // of Wait; read after done
	peak   int64 // of its memory; read after done
}

// StartProcess starts the program at path with args. Its environment is env and the variables
// that every program needs (PATH, HOME, TMPDIR), not the environment of this process. Its output
// is appended to out, which several runs of a program may share.
func StartProcess(out *Output, env []string, path string, args ...string) (*Process, error) {
	cmd := exec.CommandContext(context.Background(), path, args...) //nolint:gosec // tests choose what they run
	cmd.Env = append(inherited(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	// Its own process group, so that Ctrl-C in the terminal reaches only this process, which
	// then stops the program.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	p := &Process{cmd: cmd, output: out, done: make(chan struct{})}
	watch := watchMemory(cmd.Process.Pid, 50*time.Millisecond)
	go func() {
		p.err = cmd.Wait()
		p.peak = watch.end(cmd.ProcessState)
		close(p.done)
	}()
	return p, nil
}

func inherited() []string {
	var out []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+v)
		}
	}
	return out
}

// Pid returns the process's id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill kills the process with SIGKILL, as in a crash, and waits for its end.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Stop sends SIGTERM and returns the exit code. If the process runs longer than grace, Stop kills
// it and returns an error.
func (p *Process) Stop(grace time.Duration) (int, error) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.exitCode()
	case <-timer.C:
		p.Kill()
		return -1, fmt.Errorf("%s did not stop within %s; its output ends:\n%s", p.cmd.Path, grace, p.output.Tail())
	}
}

func (p *Process) exitCode() (int, error) {
	var exit *exec.ExitError
	if p.err == nil || errors.As(p.err, &exit) {
		return p.cmd.ProcessState.ExitCode(), nil
	}
	return -1, p.err
}

// PeakMemory returns the largest resident size of an ended process, in bytes.
func (p *Process) PeakMemory() int64 {
	<-p.done
	return p.peak
}

// Output collects the output of programs. It is safe for concurrent use.
type Output struct {
	mu   sync.Mutex
	data bytes.Buffer
	grew chan struct{} // closed and replaced at each write
	// Copy, if not nil, receives the output too.
	Copy io.Writer
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.grew != nil {
		close(o.grew)
		o.grew = nil
	}
	if o.Copy != nil {
		_, _ = o.Copy.Write(p)
	}
	return o.data.Write(p)
}

// String returns the whole output so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.String()
}

// Tail returns the last 4,000 bytes of the output, for messages.
func (o *Output) Tail() string {
	const most = 4000
	s := o.String()
	return s[max(0, len(s)-most):]
}

// WaitFor waits until the output holds text the given number of times.
func (o *Output) WaitFor(ctx context.Context, text string, times int) error {
	for {
		o.mu.Lock()
		found := strings.Count(o.data.String(), text)
		if o.grew == nil {
			o.grew = make(chan struct{})
		}
		grew := o.grew
		o.mu.Unlock()
		if found >= times {
			return nil
		}
		select {
		case <-grew:
		case <-ctx.Done():
			return fmt.Errorf("found %q in the output %d times of %d: %w; the output ends:\n%s",
				text, found, times, ctx.Err(), o.Tail())
		}
	}
}
