// Package receipt judges what a request did by its receipt alone, as an auditor holds it: without
// the database, the console or a worker. What people signed is checked by package signing; this
// package adds that the state follows from the proofs, that the proofs are about what the plan
// changes and nothing else, that the decisions cover it when it was written, that extensions and
// stops explain its end, that the policy asks for no more, and that the seal holds.
package receipt
