// Package version returns the version of the running build, as the Go toolchain
// recorded it.
package version

import (
	"runtime/debug"
	"sync"
)

const (
	program = "sentinelone-provisioner"
	unknown = "devel"
	short   = 12 // characters of a shortened revision
)

// String returns the module's version, or the first 12 characters of the Git revision
// with "+changes" if the tree was modified, or "devel" if neither is recorded.
var String = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	return describe(info)
})

// UserAgent returns the User-Agent header of requests to the console:
// sentinelone-provisioner/VERSION.
func UserAgent() string { return program + "/" + String() }

func describe(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, changed := unknown, ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= short:
			revision = s.Value[:short]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	return revision + changed
}
