package main

import (
	"fmt"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/config"
)

// setting is one environment variable.
type setting struct{ name, value string }

// pairs are the settings as NAME=value, the form of [os/exec.Cmd.Env].
func pairs(settings []setting) []string {
	out := make([]string, len(settings))
	for i, s := range settings {
		out[i] = s.name + "=" + s.value
	}
	return out
}

// environment is base without every variable that configures our programs or the Temporal
// CLI, and with the settings: what users have set for a real console must not reach the demo.
func environment(base []string, settings []setting) []string {
	out := slices.DeleteFunc(slices.Clone(base), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return configures(name)
	})
	return append(out, pairs(settings)...)
}

// configures says whether a variable configures our programs. The user's ssh-agent counts: the
// user's own key must not sign for a person of the demo.
func configures(name string) bool {
	return name == "SSH_AUTH_SOCK" || strings.HasPrefix(name, "TEMPORAL_") || strings.HasPrefix(name, "SENTINELONE_") ||
		slices.ContainsFunc(config.Variables(), func(v config.Variable) bool { return v.Name == name })
}

// exports are the shell commands that set the settings.
func exports(settings []setting) []string {
	out := make([]string, len(settings))
	for i, s := range settings {
		out[i] = fmt.Sprintf("export %s=%s", s.name, quote(s.value))
	}
	return out
}

// quote makes one shell word of a text, with quotes only where they are needed.
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
