package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is who runs in the image: the ids that the Dockerfile and the manifests name too.
const user = 65532

// caPath is where Go looks for the certificates of CAs on Linux.
const caPath = "etc/ssl/certs/ca-certificates.crt"

// image is one image of a release: programs, CA certificates and the folders that they write.
type image struct {
	name, title string
	programs    []string // the first is what runs
	workingDir  string
}

// write writes the image for all architectures into one file.
func (i image) write(file string, built []artifact) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range architectures {
		img, err := i.build(arch, built)
		if err != nil {
			return fmt.Errorf("linux/%s: %w", arch, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	return writeArchive(file, index, i.name, tag(built[0].version), built[0].time)
}

// tag is a version as a tag of an image can hold it.
func tag(version string) string { return strings.ReplaceAll(version, "+", "-") }

// build makes the image for one architecture.
func (i image) build(arch string, built []artifact) (v1.Image, error) {
	when := built[0].time
	base := []entry{
		{name: "etc/", mode: 0o755},
		{name: "etc/ssl/", mode: 0o755},
		{name: "etc/ssl/certs/", mode: 0o755},
		{name: caPath, mode: 0o644, content: caCertificates()},
		{name: "tmp/", mode: 0o1777},
	}
	if i.workingDir != "/tmp" {
		base = append(base, entry{name: strings.TrimPrefix(i.workingDir, "/") + "/", mode: 0o755, owner: user})
	}
	programs := []entry{
		{name: "usr/", mode: 0o755}, {name: "usr/local/", mode: 0o755}, {name: "usr/local/bin/", mode: 0o755},
	}
	for _, name := range i.programs {
		at := slices.IndexFunc(built, func(a artifact) bool { return a.program == name && a.arch == arch })
		if at < 0 {
			return nil, fmt.Errorf("no program %s was built", name)
		}
		content, err := os.ReadFile(built[at].path)
		if err != nil {
			return nil, err
		}
		programs = append(programs, entry{name: "usr/local/bin/" + name, mode: 0o755, content: content})
	}
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	img, err := mutate.ConfigFile(img, i.config(arch, built[0]))
	if err != nil {
		return nil, err
	}
	for _, layer := range []struct {
		entries []entry
		what    string
	}{{base, "CA certificates and folders"}, {programs, strings.Join(i.programs, ", ")}} {
		if img, err = addLayer(img, layer.entries, layer.what, when); err != nil {
			return nil, err
		}
	}
	return img, nil
}

// config says how to run the image.
func (i image) config(arch string, a artifact) *v1.ConfigFile {
	c := &v1.ConfigFile{
		Architecture: arch, OS: "linux", Created: v1.Time{Time: a.time.UTC()}, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Entrypoint: []string{i.programs[0]}, WorkingDir: i.workingDir,
			User: fmt.Sprintf("%d:%d", user, user), Env: []string{"PATH=/usr/local/bin"},
			Labels: map[string]string{
				"org.opencontainers.image.title":       i.name,
				"org.opencontainers.image.description": i.title,
				"org.opencontainers.image.version":     a.version,
				"org.opencontainers.image.revision":    a.commit,
				"org.opencontainers.image.created":     a.time.UTC().Format(time.RFC3339),
			},
		},
	}
	if i.workingDir != "/tmp" {
		c.Config.Volumes = map[string]struct{}{i.workingDir: {}}
	}
	return c
}

func addLayer(img v1.Image, entries []entry, what string, when time.Time) (v1.Image, error) {
	var raw bytes.Buffer
	if err := writeTar(&raw, entries, when); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw.Bytes())), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	return mutate.Append(img, mutate.Addendum{
		Layer: layer, History: v1.History{Created: v1.Time{Time: when.UTC()}, CreatedBy: "make release", Comment: what},
	})
}

// caCertificates are Mozilla's CAs, as the Go project packs them, in PEM. Those that are trusted under conditions only
// are left out, since PEM cannot say the conditions.
func caCertificates() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes all
		}
	}
	return out.Bytes()
}

// entry is a file of an archive, or a folder, whose name ends in a slash.
type entry struct {
	name    string
	mode    int64
	owner   int
	content []byte
}

// writeTar writes entries that depend on their arguments alone.
func writeTar(w io.Writer, entries []entry, when time.Time) error {
	archive := tar.NewWriter(w)
	for _, e := range entries {
		if path.IsAbs(e.name) {
			return errors.New(e.name + " is absolute: an archive holds relative paths")
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Uid: e.owner, Gid: e.owner, Size: int64(len(e.content)),
			ModTime: when.UTC(), Format: tar.FormatPAX,
		}
		if strings.HasSuffix(e.name, "/") {
			header.Typeflag = tar.TypeDir
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(e.content); err != nil {
			return err
		}
	}
	return archive.Close()
}
