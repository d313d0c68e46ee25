package accounts

// Rotates is rotates, for tests.
var Rotates = rotates
