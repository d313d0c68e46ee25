// Package version says which build this is, from what the Go toolchain records.
package version

import (
	"runtime/debug"
	"sync"
)

const (
	program = "sentinelone-provisioner"
	unknown = "devel"
	short   = 12 // characters of a revision that people read
)

// String is the module's version, or the revision it was built from, with
// "+changes" when the tree had changes of its own.
var String = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	return describe(info)
})

// UserAgent is what console requests are signed with.
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
