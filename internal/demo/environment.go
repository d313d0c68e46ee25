package main

import (
	"fmt"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/config"
)

// setting is one environment variable.
type setting struct{ name, value string }

// pairs are the settings in the form that programs are started with.
func pairs(settings []setting) []string {
	out := make([]string, len(settings))
	for i, s := range settings {
		out[i] = s.name + "=" + s.value
	}
	return out
}

// environment is base with the settings in place of every variable that steers
// our programs or the Temporal CLI: what the user has set for a real console must
// not reach a demo.
func environment(base []string, settings []setting) []string {
	out := slices.DeleteFunc(slices.Clone(base), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return steers(name)
	})
	return append(out, pairs(settings)...)
}

// steers covers the user's ssh-agent too: nobody's own key signs for a person of the demo.
func steers(name string) bool {
	return name == "SSH_AUTH_SOCK" || strings.HasPrefix(name, "TEMPORAL_") || strings.HasPrefix(name, "SENTINELONE_") ||
		slices.ContainsFunc(config.Variables(), func(v config.Variable) bool { return v.Name == name })
}

// exports are the lines that set the settings in a shell.
func exports(settings []setting) []string {
	out := make([]string, len(settings))
	for i, s := range settings {
		out[i] = fmt.Sprintf("export %s=%s", s.name, quote(s.value))
	}
	return out
}

// quote makes one word of a shell command out of a text.
func quote(s string) string {
	special := func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("_-./:@=%+,", r)
	}
	if s != "" && !strings.ContainsFunc(s, special) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
