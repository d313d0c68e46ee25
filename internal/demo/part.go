package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"sentinelone-provisioner/internal/testbed"
)

// part is one running program of the stack.
type part struct {
	name    string
	output  *testbed.Output
	process *testbed.Process
	log     io.Closer // the file that the output is copied to
}

// startPart starts a program and copies its output into a file.
func startPart(name, logFile string, environment []string, program string, args ...string) (*part, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &part{name: name, output: &testbed.Output{Copy: log}, log: log}
	if p.process, err = testbed.StartProcess(p.output, environment, program, args...); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return p, nil
}

// ended returns the error for a part that ended although it should run. Call it after the
// process has ended.
func (p *part) ended() error {
	code, err := p.process.Stop(time.Second) // only for the exit code: the process has ended
	if err != nil {
		return err
	}
	return &failure{what: fmt.Sprintf("the %s ended unexpectedly, with exit code %d", p.name, code), logOf: p}
}

// stop asks the part to end and waits. It kills the part after the grace, and returns an
// error then.
func (p *part) stop(grace time.Duration) error {
	_, err := p.process.Stop(grace)
	return errors.Join(err, p.log.Close())
}

// failure is an error that is explained by the end of a part's log.
type failure struct {
	what  string
	logOf *part
}

func (f *failure) Error() string { return f.what }

// tailLines is how much of a log is shown with a failure.
const tailLines = 20

// tail is the last tailLines lines of the output, "" if there are none.
func (p *part) tail() string {
	all := strings.Split(strings.TrimRight(p.output.Tail(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-tailLines):], "\n")
}
