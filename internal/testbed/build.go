package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"go.temporal.io/api/workflowservice/v1"
)

// Programs are the paths of our own binaries.
type Programs struct {
	Worker    string
	Starter   string
	Simulator string
}

// Build builds the programs of this checkout into dir.
func Build(ctx context.Context, dir string) (Programs, error) {
	root, err := ModuleRoot()
	if err != nil {
		return Programs{}, err
	}
	p := Programs{
		Worker:    filepath.Join(dir, "worker"),
		Starter:   filepath.Join(dir, "starter"),
		Simulator: filepath.Join(dir, "console-simulator"),
	}
	for out, pkg := range map[string]string{
		p.Worker: "./worker", p.Starter: "./starter", p.Simulator: "./internal/consoletest/console-simulator",
	} {
		if err := build(ctx, root, out, pkg); err != nil {
			return Programs{}, err
		}
	}
	return p, nil
}

// BuildNextWorker builds the worker of some next release into a file: requests have one more step
// there (workflows/versions_nextbuild.go).
func BuildNextWorker(ctx context.Context, out string) error {
	root, err := ModuleRoot()
	if err != nil {
		return err
	}
	return build(ctx, root, out, "./worker", "-tags", "nextbuild")
}

func build(ctx context.Context, root, out, pkg string, flags ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-o", out}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...) //nolint:gosec // our own packages
	cmd.Dir = root
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, output)
	}
	return nil
}

// ModuleRoot is the folder with go.mod, at or above the working directory.
func ModuleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod at or above the working directory: run this inside the checkout")
		}
	}
}

func describeDefault() *workflowservice.DescribeNamespaceRequest {
	return &workflowservice.DescribeNamespaceRequest{Namespace: "default"}
}
