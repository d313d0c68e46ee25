// Package access holds the domain: who (principals) may do what (roles) where
// (scopes), as plain values and pure rules. It knows neither HTTP, nor SQL, nor
// Temporal, and imports the standard library, x/net/idna and x/text/unicode/norm only,
// so every rule in it can be tested by calling it.
//
// The JSON names of its types are the ones people see in exports and in
// `--output json`; renaming one breaks their scripts.
package access
