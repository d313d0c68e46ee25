package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// sumsFile lists the checksum of each other file of a release, as `sha256sum --check` reads it.
const sumsFile = "SHA256SUMS"

// architectures are those for which a release has programs and images.
var architectures = []string{"amd64", "arm64"}

// ours are the programs that a release has.
var ours = []program{
	{name: "worker", module: ".", pkg: "./worker"},
	{name: "starter", module: ".", pkg: "./starter"},
	{name: "baton-sentinelone-provisioner", module: "starter/conductorone", pkg: "."},
}

// ourImages are the images that a release has: what the Dockerfile builds, without the simulator.
var ourImages = []image{
	{
		name: "sentinelone-provisioner", programs: []string{"worker", "starter"}, workingDir: "/data",
		title: "Durable, proven management of access to a SentinelOne console",
	},
	{
		name: "baton-sentinelone-provisioner", programs: []string{"baton-sentinelone-provisioner"}, workingDir: "/tmp",
		title: "SentinelOne connector for ConductorOne",
	},
}

// release builds one release of a checkout.
type release struct {
	root, out    string // folders
	allowChanges bool
	programs     []program
	images       []image
}

// write builds everything in a temporary folder, outside of the checkout, and puts it into place when it is complete.
func (r release) write(ctx context.Context, w io.Writer) error {
	toolchain, err := pinnedGo(r.root)
	if err != nil {
		return err
	}
	out, err := filepath.Abs(r.out)
	if err != nil {
		return err
	}
	if err := mayReplace(out); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "release-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	built, err := r.build(ctx, w, dir, toolchain)
	if err != nil {
		return err
	}
	names, err := r.describe(dir, built)
	if err != nil {
		return err
	}
	if err := writeSums(dir, names); err != nil {
		return err
	}
	if err := put(dir, out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "Release %s, of %s, is in %s:\n  %s\n", built[0].version, built[0].commit, out,
		strings.Join(append(names, sumsFile), "\n  "))
	return err
}

// build builds each program for each architecture.
func (r release) build(ctx context.Context, w io.Writer, dir, toolchain string) ([]artifact, error) {
	var built []artifact
	for _, p := range r.programs {
		for _, arch := range architectures {
			_, _ = fmt.Fprintf(w, "building %s for linux/%s\n", p.name, arch)
			a, err := p.build(ctx, r.root, dir, arch, toolchain)
			if err != nil {
				return nil, err
			}
			if a.modified && !r.allowChanges {
				return nil, errors.New("the checkout has changes that are not committed, so that nobody can build " +
					"these bytes again: commit or stash them (`git status`), or build with --allow-changes for a trial")
			}
			built = append(built, a)
		}
	}
	version := built[0].version // the version of the main module names the release
	for i, a := range built {
		name := fmt.Sprintf("%s-%s-linux-%s", a.program, version, a.arch)
		if err := os.Rename(a.path, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
		built[i].version, built[i].path = version, filepath.Join(dir, name)
	}
	return built, nil
}

// describe writes the SBOMs and images, and returns the sorted names of all files.
func (r release) describe(dir string, built []artifact) ([]string, error) {
	var names []string
	for _, a := range built {
		text, err := a.sbom()
		if err != nil {
			return nil, fmt.Errorf("SBOM of %s: %w", a.path, err)
		}
		name := filepath.Base(a.path)
		if err := os.WriteFile(filepath.Join(dir, name+".cdx.json"), text, 0o600); err != nil {
			return nil, err
		}
		names = append(names, name, name+".cdx.json")
	}
	for _, i := range r.images {
		name := fmt.Sprintf("%s-%s.oci.tar", i.name, built[0].version)
		if err := i.write(filepath.Join(dir, name), built); err != nil {
			return nil, fmt.Errorf("image %s: %w", i.name, err)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// put replaces out by a copy of dir; out is complete, or not there.
func put(dir, out string) error {
	if err := os.MkdirAll(filepath.Dir(out), 0o750); err != nil {
		return err
	}
	draft, err := os.MkdirTemp(filepath.Dir(out), filepath.Base(out)+".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(draft) }()
	if err := os.CopyFS(draft, os.DirFS(dir)); err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	return os.Rename(draft, out)
}

func writeSums(dir string, names []string) error {
	var sums bytes.Buffer
	for _, name := range names {
		sum, err := fileSum(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, name)
	}
	return os.WriteFile(filepath.Join(dir, sumsFile), sums.Bytes(), 0o600)
}

// fileSum is the SHA-256 of a file, in hex.
func fileSum(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// mayReplace refuses to remove a folder that no release made.
func mayReplace(out string) error {
	entries, err := os.ReadDir(out)
	switch {
	case errors.Is(err, os.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return err
	}
	if _, err := os.Stat(filepath.Join(out, sumsFile)); err != nil {
		return fmt.Errorf("%s holds files, and no release: name another folder with --out, or remove it", out)
	}
	return nil
}

var dockerfileGo = regexp.MustCompile(`(?m)^FROM .*golang:(\d+\.\d+\.\d+)\b`)

// pinnedGo is the Go release that the Dockerfile names, such as go1.26.8. The go command gets it as a module where it
// is not installed.
func pinnedGo(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		return "", fmt.Errorf("the Go release stands in the Dockerfile: %w", err)
	}
	found := dockerfileGo.FindSubmatch(text)
	if found == nil {
		return "", errors.New("the Dockerfile names no image golang:X.Y.Z, which says with which Go to build")
	}
	return "go" + string(found[1]), nil
}
