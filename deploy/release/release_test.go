package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"
)

// checkout makes a git checkout of a small program and of a module beside it that uses it, with the same commit each
// time.
func checkout(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "checkout")
	for name, text := range map[string]string{
		"Dockerfile": "FROM golang:" + strings.TrimPrefix(runtime.Version(), "go") + " AS build\n",
		"go.mod":     "module sentinelone-provisioner\n\ngo 1.26.0\n",
		"worker/main.go": "package main\n\nimport (\n\t\"os\"\n\t\"runtime/debug\"\n)\n\n" +
			"func main() {\n\tinfo, _ := debug.ReadBuildInfo()\n\tos.Stdout.WriteString(info.Main.Version)\n}\n",
		"words/words.go": "package words\n\nconst Hello = \"hello\"\n",
		"connector/go.mod": "module sentinelone-provisioner/connector\n\ngo 1.26.0\n\n" +
			"require sentinelone-provisioner v0.0.0\n\nreplace sentinelone-provisioner => ../\n",
		"connector/main.go": "package main\n\nimport \"sentinelone-provisioner/words\"\n\n" +
			"func main() { println(words.Hello) }\n",
	} {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	for _, args := range [][]string{
		{"init", "--quiet"}, {"add", "."}, {"commit", "--quiet", "--message", "first"}, {"tag", "v1.2.3"},
	} {
		git(t, root, args...)
	}
	return root
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=ana", "GIT_AUTHOR_EMAIL=ana@example.com", "GIT_AUTHOR_DATE=2026-11-30T12:00:00Z",
		"GIT_COMMITTER_NAME=ana", "GIT_COMMITTER_EMAIL=ana@example.com", "GIT_COMMITTER_DATE=2026-11-30T12:00:00Z")
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
}

// small is a release of the checkout.
func small(root, out string) release {
	return release{
		root: root, out: out,
		programs: []program{
			{name: "worker", module: ".", pkg: "./worker"}, {name: "connector", module: "connector", pkg: "."},
		},
		images: []image{{name: "small", programs: []string{"worker"}, workingDir: "/data", title: "A small program"}},
	}
}

// contents are the files of a folder by name.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(text)
	}
	return out
}

// The same commit gives the same bytes in another folder and in another environment.
func TestRelease_IsReproducible(t *testing.T) {
	root, second := checkout(t), filepath.Join(t.TempDir(), "elsewhere", "dist")
	first := filepath.Join(root, "dist") // as `make release` does
	require.NoError(t, small(root, first).write(t.Context(), io.Discard))
	t.Setenv("GOFLAGS", "-tags=other")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("CGO_ENABLED", "1")
	t.Setenv("TZ", "Asia/Tokyo")
	require.NoError(t, small(checkout(t), second).write(t.Context(), io.Discard))

	files := contents(t, first)
	require.Len(t, files, 10, "four programs, their SBOMs, an image and the checksums")
	require.Equal(t, files[sumsFile], contents(t, second)[sumsFile])
	for _, dir := range []string{first, second} {
		sums := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", sumsFile)
		sums.Dir = dir
		output, err := sums.CombinedOutput()
		require.NoError(t, err, "%s", output)
		require.Equal(t, 9, strings.Count(string(output), ": OK\n"))
	}

	version, err := exec.CommandContext(t.Context(), programIn(t, first)).Output()
	require.NoError(t, err)
	require.Equal(t, "v1.2.3", string(version))
	requireSBOM(t, files)
	requireImage(t, filepath.Join(first, "small-v1.2.3.oci.tar"), files)
}

// programIn is the worker for this machine, made executable as whoever downloads it makes it.
func programIn(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "worker-v1.2.3-linux-"+runtime.GOARCH))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "worker")
	require.NoError(t, os.WriteFile(path, text, 0o700))
	return path
}

// requireSBOM checks what the SBOMs say.
func requireSBOM(t *testing.T, files map[string]string) {
	t.Helper()
	for _, name := range []string{"worker-v1.2.3-linux-amd64", "connector-v1.2.3-linux-arm64"} {
		text := files[name+".cdx.json"]
		strict := json.NewDecoder(strings.NewReader(text))
		strict.DisallowUnknownFields()
		var bom cdx.BOM
		require.NoError(t, strict.Decode(&bom), name)
		require.Regexp(t, `^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, bom.SerialNumber)
		require.Equal(t, "2026-11-30T12:00:00Z", bom.Metadata.Timestamp)
		program := bom.Metadata.Component
		require.Equal(t, "v1.2.3", program.Version)
		require.Contains(t, files[sumsFile], (*program.Hashes)[0].Value+"  "+name+"\n")
		require.Len(t, *bom.Components, 1, "the module of the checkout is part of the program")
		require.Equal(t, "pkg:golang/std@"+strings.TrimPrefix(runtime.Version(), "go"), (*bom.Components)[0].PackageURL)
	}
}

// requireImage checks the image as a registry would, and what is in it.
func requireImage(t *testing.T, file string, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	unpack(t, file, dir)
	outer, err := layout.ImageIndexFromPath(dir)
	require.NoError(t, err)
	require.NoError(t, validate.Index(outer))
	top, err := outer.IndexManifest()
	require.NoError(t, err)
	require.Equal(t, "v1.2.3", top.Manifests[0].Annotations["org.opencontainers.image.ref.name"])
	index, err := outer.ImageIndex(top.Manifests[0].Digest)
	require.NoError(t, err)
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 2)
	for _, d := range manifest.Manifests {
		img, err := index.Image(d.Digest)
		require.NoError(t, err)
		config, err := img.ConfigFile()
		require.NoError(t, err)
		require.Equal(t, d.Platform.Architecture, config.Architecture)
		require.Equal(t, []string{"worker"}, config.Config.Entrypoint)
		require.Equal(t, "65532:65532", config.Config.User)
		require.Equal(t, "v1.2.3", config.Config.Labels["org.opencontainers.image.version"])
		requireFiles(t, img, files["worker-v1.2.3-linux-"+config.Architecture])
	}
}

// requireFiles checks what the image holds: the program, certificates, and two folders that it may write.
func requireFiles(t *testing.T, img v1.Image, worker string) {
	t.Helper()
	reader := tar.NewReader(mutate.Extract(img))
	seen := map[string]string{}
	for {
		h, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		var content bytes.Buffer
		_, err = io.Copy(&content, reader)
		require.NoError(t, err)
		name := strings.TrimSuffix(h.Name, "/")
		seen[name] = content.String()
		writable := name == "tmp" || h.Uid == user && name == "data"
		require.True(t, writable || h.Uid == 0 && h.Mode&0o022 == 0, "%s is %o of %d", h.Name, h.Mode, h.Uid)
	}
	require.Equal(t, worker, seen["usr/local/bin/worker"])
	require.Greater(t, strings.Count(seen[caPath], "BEGIN CERTIFICATE"), 100)
	require.Contains(t, seen, "tmp")
	require.Contains(t, seen, "data")
}

func unpack(t *testing.T, file, dir string) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "tar", "-x", "-f", file, "-C", dir).CombinedOutput()
	require.NoError(t, err, "%s", output)
}
