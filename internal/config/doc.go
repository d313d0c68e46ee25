// Package config reads this project's settings from the environment. It does not read
// Temporal's: internal/temporalclient reads them from the files and variables that
// the `temporal` CLI uses.
//
// The struct tags of [Config] are the one place that defines a variable, its default
// and its meaning: --help, the README's table and the check of docker-compose.yaml
// all come from [Variables].
package config
