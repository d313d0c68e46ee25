// Package codec encrypts payloads: with keys it compresses and encrypts every payload that goes to
// Temporal, without keys it passes them on. It is part of the data converter in either
// case, so that encryption is a matter of configuration only, and older histories
// still decode.
package codec
