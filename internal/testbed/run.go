package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Ended is a program that has ended: its exit code and its output.
type Ended struct {
	Code           int
	Stdout, Stderr string
}

// Run runs the program at path to its end. Its environment is env, PATH and that home folder. An exit code other than
// 0 is no error.
func Run(ctx context.Context, home string, env []string, path string, args ...string) (Ended, error) {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // tests choose what they run
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		return Ended{}, fmt.Errorf("run %s: %w", path, err)
	}
	return Ended{Code: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}, nil
}

// DatabaseText is what stands in the files of a database with that URL, sqlite://…, but the key that seals the ledger,
// which is beside it: a test searches it for what must not be there.
func DatabaseText(databaseURL string) ([]string, error) {
	files, err := filepath.Glob(strings.TrimPrefix(databaseURL, "sqlite://") + "*")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no database at %s: %w", databaseURL, errors.Join(err, os.ErrNotExist))
	}
	var out []string
	for _, file := range files {
		if strings.HasSuffix(file, ".db.key") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read a file of the database: %w", err)
		}
		out = append(out, string(text))
	}
	return out, nil
}
