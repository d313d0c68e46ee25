//go:build !nextbuild

package workflows

const nextBuild = false
