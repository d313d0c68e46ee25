// Package compose contains the files that docker-compose.yaml mounts, and a test that
// loads docker-compose.yaml with the Compose project's own library. No program of this
// project uses it.
package compose
