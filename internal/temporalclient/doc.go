// Package temporalclient connects all programs of this project to Temporal the same
// way: address, namespace and TLS from the files and variables that the `temporal` CLI
// reads, our data converter, our logger. Without that converter a client could not read
// encrypted payloads.
package temporalclient
