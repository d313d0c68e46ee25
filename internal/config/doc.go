// Package config reads the environment: our own settings with caarlos0/env, and
// nothing of Temporal's, which internal/temporalclient takes from the files and
// variables that the `temporal` CLI reads.
//
// The struct tags of [Config] are the one place where a variable, its default
// and its meaning are written: --help, the README's table and the check of
// docker-compose.yaml all come from [Variables].
package config
