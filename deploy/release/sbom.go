package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// sbom lists in CycloneDX what Go recorded in the program: each module that is linked, and Go's standard library. It
// is made from the program, not from go.mod, so that it lists what runs.
func (a artifact) sbom() ([]byte, error) {
	sum, err := fileSum(a.path)
	if err != nil {
		return nil, err
	}
	main := cdx.Component{
		BOMRef: "program", Type: cdx.ComponentTypeApplication, Name: a.program, Version: a.version,
		PackageURL: purl(a.info.Path, a.version),
		Hashes:     &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: sum}},
		Properties: &[]cdx.Property{
			{Name: "file", Value: filepath.Base(a.path)},
			{Name: "commit", Value: a.commit},
			{Name: "go", Value: a.info.GoVersion},
			{Name: "platform", Value: "linux/" + a.arch},
		},
	}
	components := []cdx.Component{library("std", strings.TrimPrefix(a.info.GoVersion, "go"), "")}
	for _, m := range a.info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		if !isOurs(m) { // a module of this checkout is part of the program
			components = append(components, library(m.Path, m.Version, m.Sum))
		}
	}
	slices.SortFunc(components, func(a, b cdx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	refs := make([]string, len(components))
	for i, c := range components {
		refs[i] = c.BOMRef
	}
	bom := cdx.NewBOM()
	bom.SerialNumber = serial(sum)
	bom.Metadata = &cdx.Metadata{Timestamp: a.time.UTC().Format(time.RFC3339), Component: &main}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &refs}}
	var out bytes.Buffer
	err = cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6)
	return out.Bytes(), err
}

// isOurs reports whether a module is a folder of this checkout, which go.mod of the connector names by its path.
func isOurs(m *debug.Module) bool {
	return strings.HasPrefix(m.Path, ".") || m.Sum == "" && m.Version == ""
}

// library is a module that is linked; sum is its line of go.sum.
func library(path, version, sum string) cdx.Component {
	c := cdx.Component{
		BOMRef: path + "@" + version, Type: cdx.ComponentTypeLibrary, Name: path, Version: version,
		Scope: cdx.ScopeRequired, PackageURL: purl(path, version),
	}
	if sum != "" {
		c.Properties = &[]cdx.Property{{Name: "go.sum", Value: sum}}
	}
	return c
}

// purl is the address of a Go package or module by which vulnerability databases know it.
func purl(path, version string) string {
	return "pkg:golang/" + strings.ReplaceAll(url.PathEscape(path), "%2F", "/") + "@" + url.QueryEscape(version)
}

// serial is a UUID of version 8 made of a hash in hex, so that the same program has the same SBOM.
func serial(sum string) string {
	raw, _ := hex.DecodeString(sum)
	h := sha256.Sum256(append([]byte("sbom\n"), raw...))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
