// Package codec is the payload codec of the data converter: with keys it
// encrypts every payload that leaves for Temporal, without keys it does nothing.
// It is part of the chain in either case, so turning encryption on changes
// configuration and not code, and histories from before still decode.
package codec
