// Package ledger says what the ledger holds: entries, chained by their hashes, each with a
// body of one of the kinds listed here. It is pure: it reads no database and no clock.
//
// A reader finds here
//
//   - what an entry is and how its hash is computed: [Entry], [Entry.Digest];
//   - what each kind of entry holds: [Kind] and the [Body] types;
//   - under which key an entry stands: [Run], [access.ChangeKey] and the functions beside them;
//   - how a body becomes JSON and back: [Encode], [Decode], [DecodeAs];
//   - how a chain is verified: [Verifier].
//
// Package store keeps entries; it calls this package for all of the above.
package ledger
