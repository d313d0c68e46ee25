package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// fetcher takes one release for one platform.
type fetcher struct {
	pins, out, base, os, arch string
	patience                  time.Duration // without a byte
}

// Limits: the archive has some 60 MB, the program in it some 150 MB.
const (
	maxArchive = 300 << 20
	maxProgram = 1 << 30
)

// pinned is one line of the file of pins.
type pinned struct{ version, os, arch, sum string }

func (p pinned) archive() string {
	return fmt.Sprintf("temporal_cli_%s_%s_%s.tar.gz", p.version, p.os, p.arch)
}

// readPins reads the file of pins: version, system, architecture and SHA-256 in each line.
func readPins(path string) (all []pinned, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#"):
		case len(fields) != 4 || len(fields[3]) != hex.EncodedLen(sha256.Size):
			return nil, fmt.Errorf("%s: the line %q is not version, system, architecture and SHA-256", path, line)
		default:
			all = append(all, pinned{fields[0], fields[1], fields[2], fields[3]})
		}
	}
	return all, nil
}

// fetch downloads the archive, compares its checksum, and only then unpacks the program.
func (f fetcher) fetch(ctx context.Context, w io.Writer) error {
	all, err := readPins(f.pins)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.os != f.os || p.arch != f.arch {
			continue
		}
		fmt.Fprintf(w, "Downloading the official Temporal CLI %s into %s: only once, some 60 MB, a few seconds "+
			"(%s=never builds it instead)\n", p.version, f.out, variable)
		from := f.base + "/v" + p.version + "/" + p.archive()
		archive, err := f.get(ctx, from)
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(archive); hex.EncodeToString(sum[:]) != p.sum {
			return fmt.Errorf("what %s sent is not the release: SHA-256 %x, not %s as in %s; it was discarded",
				shown(from), sum, p.sum, f.pins)
		}
		return unpack(archive, f.out)
	}
	return fmt.Errorf("there is none for %s/%s in %s", f.os, f.arch, f.pins)
}

// get reads a file. It gives up when nothing arrives for a while.
func (f fetcher) get(ctx context.Context, from string) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(f.patience, func() { cancel(errStalled) })
	defer stalled.Stop()
	transport := http.DefaultTransport.(*http.Transport).Clone() // with the proxy of the environment
	transport.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil { // it quotes the URL
		return nil, errors.New("it is not a URL: percent-encode the password in it")
	}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, stallOr(ctx, from, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", shown(from), answer.Status)
	}
	var body bytes.Buffer
	for {
		n, err := io.CopyN(&body, answer.Body, 64<<10)
		if n > 0 {
			stalled.Reset(f.patience)
		}
		switch {
		case errors.Is(err, io.EOF) && body.Len() == 0:
			return nil, fmt.Errorf("%s sent no bytes", shown(from))
		case errors.Is(err, io.EOF):
			return body.Bytes(), nil
		case err != nil:
			return nil, stallOr(ctx, from, err)
		case body.Len() > maxArchive:
			return nil, fmt.Errorf("%s sends more than %d MiB", shown(from), maxArchive>>20)
		}
	}
}

var errStalled = errors.New("nothing arrives any more")

func stallOr(ctx context.Context, from string, err error) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		return fmt.Errorf("%s: %w", shown(from), errStalled)
	}
	return err
}

// shown is the URL of a mirror without its password.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the mirror in " + variable
	}
	return u.Redacted()
}

// unpack writes the program of the archive whole or not at all.
func unpack(archive []byte, out string) (err error) {
	zipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return fmt.Errorf("the archive is no gzip file: %w", err)
	}
	files := tar.NewReader(zipped)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return errors.New("the archive has no program temporal")
		}
		if err != nil {
			return fmt.Errorf("the archive is damaged: %w", err)
		}
		if header.Typeflag == tar.TypeReg && filepath.Base(header.Name) == "temporal" {
			return install(io.LimitReader(files, maxProgram), out)
		}
	}
}

func install(program io.Reader, out string) (err error) {
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil { //nolint:gosec // a folder of programs
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(out), ".temporal-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	if _, err := io.Copy(file, program); err != nil {
		return fmt.Errorf("unpack the archive: %w", err)
	}
	if err := errors.Join(file.Chmod(0o755), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), out)
}

// pin writes the pins of a release, from the list of checksums that it publishes.
func (f fetcher) pin(ctx context.Context, version string) error {
	list, err := f.get(ctx, f.base+"/v"+version+"/checksums.txt")
	if err != nil {
		return fmt.Errorf("the checksums of release %s: %w", version, err)
	}
	sums := map[string]string{} // by file
	lines := bufio.NewScanner(bytes.NewReader(list))
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) == 2 {
			sums[strings.TrimPrefix(fields[1], "*")] = fields[0]
		}
	}
	old, err := os.ReadFile(f.pins)
	if err != nil {
		return err
	}
	var out strings.Builder
	for line := range strings.Lines(string(old)) {
		if strings.HasPrefix(line, "#") {
			out.WriteString(line)
		}
	}
	for _, p := range []pinned{
		{os: "darwin", arch: "amd64"},
		{os: "darwin", arch: "arm64"},
		{os: "linux", arch: "amd64"},
		{os: "linux", arch: "arm64"},
	} {
		p.version = version
		if p.sum = sums[p.archive()]; len(p.sum) != hex.EncodedLen(sha256.Size) {
			return fmt.Errorf("the checksums of release %s do not name %s: look at %s/v%s",
				version, p.archive(), f.base, version)
		}
		fmt.Fprintln(&out, p.version, p.os, p.arch, p.sum)
	}
	return os.WriteFile(f.pins, []byte(out.String()), 0o644) //nolint:gosec // a file of the sources
}
