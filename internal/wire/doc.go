// Package wire holds everything that goes through Temporal: the names of workflows,
// activities, messages and task queues, and every input and result. Each name is spelled
// here once.
//
// Never rename a name or a JSON field that a history, a script or a running workflow has:
// add a new one, and keep the old one while any execution has it. A new field is optional,
// and its zero value keeps the old meaning.
//
// Inputs decode strictly, so that a misspelt field is an error. Validate returns the faults of
// an input, and Spec what its requester signs. The package has no other behaviour and imports
// only internal/access: workflows and clients link nothing else of ours.
package wire
