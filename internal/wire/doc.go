// Package wire holds everything that goes through Temporal: the names of workflows,
// activities, messages and task queues, and every input and result. Each name is spelled
// here once.
//
// A name or a JSON field that is in a history, in people's scripts or in a running
// workflow cannot be renamed: add a new one, and keep the old one while any execution has
// it. A new field is optional, and its zero value keeps the old meaning.
//
// Inputs decode strictly, so that a misspelt field is an error, and say in Validate what is
// wrong with them. Nothing else here has behaviour, and the package imports
// internal/access alone: workflows and clients link nothing else of ours.
package wire
