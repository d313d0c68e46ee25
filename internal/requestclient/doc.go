// Package requestclient starts requests and sends decisions and updates to running ones,
// signed where there is a key. It returns values and typed errors and prints nothing:
// commands, the inbox and other programs put them into words.
package requestclient
