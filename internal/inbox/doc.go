// Package inbox is the screen on which a person decides what waits for them: a list, the
// plan of each request, and a form that asks for a yes. It knows neither Temporal nor
// keys; a [Desk] does the work.
package inbox
