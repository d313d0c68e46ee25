package testbed

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports that [FreeAddress] returns: below those from which Linux, macOS and Windows take ports for outgoing connections
// and for listeners that ask for any.
const (
	firstPort = 12_000
	ports     = 20_000
)

// given are the ports that FreeAddress has returned in this process.
var given sync.Map

// FreeAddress returns a host and port of this machine on which nothing listens, each once in the life of this process.
// No connection takes the port by chance before the caller listens, nor between the end of a server and its restart.
func FreeAddress() (string, error) {
	var last error
	for range 100 {
		port := firstPort + rand.IntN(ports) //nolint:gosec // any of them will do
		if _, before := given.LoadOrStore(port, true); before {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		l, err := net.Listen("tcp", address) //nolint:noctx // closed in the next line
		if err == nil {
			return address, l.Close()
		}
		last = err
	}
	return "", fmt.Errorf("find a free port from %d to %d: %w", firstPort, firstPort+ports-1, last)
}
