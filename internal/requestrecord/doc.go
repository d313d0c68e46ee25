// Package requestrecord reads one request as Temporal and the ledger know it together: its
// plan, its state, what people decided, every write and read, and the receipt. It also
// lists requests and follows a running one. It returns values and prints nothing.
package requestrecord
