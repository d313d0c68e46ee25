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

// part is a program of the stack that runs beside us.
type part struct {
	name    string
	output  *testbed.Output
	process *testbed.Process
	log     io.Closer // the file that output is copied to
}

// startPart runs a program, with a copy of what it says in a file.
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

// ended is how a part ended that should have run on. Call it when it is done.
func (p *part) ended() error {
	code, err := p.process.Stop(time.Second) // there is nothing left to stop
	if err != nil {
		return err
	}
	return &failure{what: fmt.Sprintf("the %s ended by itself, with exit code %d", p.name, code), logOf: p}
}

// stop asks the part to end and waits; after the grace it is killed, which is an
// error.
func (p *part) stop(grace time.Duration) error {
	_, err := p.process.Stop(grace)
	return errors.Join(err, p.log.Close())
}

// failure is an error that the end of some part's log explains.
type failure struct {
	what  string
	logOf *part
}

func (f *failure) Error() string { return f.what }

// tailLines is how much of a log is shown with a failure.
const tailLines = 20

// tail is the last lines the part has said, "" if none.
func (p *part) tail() string {
	all := strings.Split(strings.TrimRight(p.output.Tail(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-tailLines):], "\n")
}
