package main

import (
	"context"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// program is one program of a release.
type program struct {
	name   string
	module string // folder of its module, from the root
	pkg    string // its package, from the module
}

// artifact is one program, built for one architecture.
type artifact struct {
	program, arch string
	path          string
	version       string    // of the release
	commit        string    // 40 hex digits
	time          time.Time // of the commit
	modified      bool      // the checkout had changes
	info          *debug.BuildInfo
}

// settings are all that has an influence on the bytes beside the sources: the environment of whoever builds has none.
func settings(arch, toolchain string) []string {
	set := []string{
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOWORK=off",
		"GOEXPERIMENT=", "GODEBUG=", "GOFIPS140=off", "GOTOOLCHAIN=" + toolchain,
	}
	var env []string
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "CGO_") {
			env = append(env, e)
		}
	}
	return append(env, set...)
}

// build builds the program into dir and reads back what Go recorded in it.
func (p program) build(ctx context.Context, root, dir, arch, toolchain string) (artifact, error) {
	path := filepath.Join(dir, p.name+"_"+arch)
	//nolint:gosec // the go command, with programs of our own
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=true", "-mod=readonly", "-ldflags=-s -w",
		"-o", path, p.pkg)
	cmd.Dir, cmd.Env = filepath.Join(root, p.module), settings(arch, toolchain)
	if output, err := cmd.CombinedOutput(); err != nil {
		return artifact{}, fmt.Errorf("build %s for linux/%s: %w\n%s", p.name, arch, err, output)
	}
	if err := checkStatic(path); err != nil {
		return artifact{}, fmt.Errorf("%s for linux/%s: %w", p.name, arch, err)
	}
	return readArtifact(p.name, arch, path)
}

// readArtifact reads version and commit from a program.
func readArtifact(name, arch, path string) (artifact, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return artifact{}, err
	}
	a := artifact{program: name, arch: arch, path: path, version: info.Main.Version, info: info}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			a.commit = s.Value
		case "vcs.modified":
			a.modified = s.Value == "true"
		case "vcs.time":
			if a.time, err = time.Parse(time.RFC3339, s.Value); err != nil {
				return artifact{}, fmt.Errorf("time of the commit of %s: %w", name, err)
			}
		}
	}
	if a.commit == "" || a.time.IsZero() || a.version == "" {
		return artifact{}, fmt.Errorf("%s names no commit: "+
			"build in a clone with at least one commit, not in a linked worktree, which Go does not look into", name)
	}
	return a, nil
}

// checkStatic fails for a program that needs a loader or a shared library: an image of ours holds neither.
func checkStatic(path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			return errors.New("the program is not static: build it without cgo")
		}
	}
	return nil
}
