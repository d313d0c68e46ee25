// Package compose holds what docker-compose.yaml mounts and the test that reads
// that file with the Compose project's own library, so that it does not rot:
// no command of ours runs it.
package compose
