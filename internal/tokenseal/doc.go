// Package tokenseal encrypts a token to the key of the one who requested it, so that it passes through the worker's
// results and the ledger unreadable to all others. The format is that of age (age-encryption.org/v1), in its armor.
package tokenseal
