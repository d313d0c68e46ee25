// Package temporalclient connects to Temporal the same way for every program of
// ours: address, namespace and TLS from the files and variables that the
// `temporal` CLI reads, our data converter, our logger. A client without the
// converter could not read what a worker wrote once encryption is on.
package temporalclient
