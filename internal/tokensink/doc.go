// Package tokensink stores the tokens of new service users: in a file of the worker, or
// through a program. The console shows a token once, and no other part of this project
// may hold it: no history, ledger, log or error.
package tokensink
