// Package claims makes the claims of a console from its ledger: which role at which scope a request
// has given, until when, and what became of it. The store keeps them in a table of its own, so that
// what must be gone by now, and what the console should show, are one query each.
//
// The table is a projection. It holds nothing that the ledger does not say, is brought up to date by
// the number of the last entry that is in it, and is made again where that entry is another one, as
// after the database of another day was restored. Several workers may do so at the same time.
//
// What is read is checked as where something is written on its strength: entries that no worker has
// sealed do not count ([Projector.genuine]), and ends are those that package authority works out, with
// the policy and the signatures of the request. Where something cannot be read, the end is the earlier
// one. So the claims are wrong in one direction only: they may call access overdue, or not ours, that is
// neither. They never hide an end. Nothing is written to the console on them alone: the write is judged
// by the ledger once more.
package claims
