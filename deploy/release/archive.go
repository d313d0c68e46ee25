package main

import (
	"archive/tar"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// writeArchive writes an image of several architectures as an OCI layout in a tar file: what skopeo and podman call
// oci-archive, and containerd imports.
func writeArchive(file string, index v1.ImageIndex, name, tag string, when time.Time) (err error) {
	dir, err := os.MkdirTemp(filepath.Dir(file), ".layout-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	outer := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
		Add: index,
		Descriptor: v1.Descriptor{Annotations: map[string]string{
			"org.opencontainers.image.ref.name": tag,
			"io.containerd.image.name":          "docker.io/library/" + name + ":" + tag, // as docker's own
		}},
	})
	if _, err := layout.Write(dir, outer); err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = packFolder(out, dir, when)
	if closing := out.Close(); err == nil {
		err = closing
	}
	return err
}

// packFolder writes all files below dir, in the order of their names, with nothing of this machine in their headers.
func packFolder(w io.Writer, dir string, when time.Time) error {
	archive := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		header := &tar.Header{
			Typeflag: tar.TypeDir, Name: filepath.ToSlash(name) + "/", Mode: 0o755, ModTime: when.UTC(),
			Format: tar.FormatPAX,
		}
		if d.IsDir() {
			return archive.WriteHeader(header)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		header.Typeflag, header.Name, header.Mode, header.Size = tar.TypeReg, filepath.ToSlash(name), 0o644, info.Size()
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		return copyFile(archive, path)
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

func copyFile(w io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	_, err = io.Copy(w, file)
	return err
}
