// Package connection gathers the evidence about the connection to a console: ten requests to the console, each of one
// row, and a few small reads of the store. Package internal/connection says what it is worth.
//
// It asks what costs a token and permissions, never /system/status, which needs no token and proves nothing. A check
// changes nothing on the console, and no sync, grant or release waits for it.
package connection
