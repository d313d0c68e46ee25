// Package tokensink hands over the tokens of service users that were made: to a file of
// the worker, or to a program. A console shows a token once, and nothing else of ours
// may hold it: no history, ledger, log or error.
package tokensink
